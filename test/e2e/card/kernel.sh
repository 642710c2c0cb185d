# FOLDER ARCHITECTURE INIT: trixie's kernel of that architecture, and a small initramfs with the program INIT, as kernel8.img and
# initramfs8 in FOLDER. It is no kernel for clouds, which knows no Wi-Fi. Nothing is installed.
set -eu
folder=$1
arch=$2
init=$(realpath "$3")
# The mirror that this machine itself uses.
# shellcheck disable=SC2016
mirror=${PROVISION_LAB_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' | sed -n '/^Debian Debian /{s///p;q;}')}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
mkdir -p apt/parts apt/lists/partial apt/cache/archives/partial
: >apt/status
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >apt/sources
cat >apt/conf <<END
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::Etc::main "/dev/null";
Dir::Etc::sourcelist "$work/apt/sources";
Dir::Etc::sourceparts "$work/apt/parts";
Dir::Etc::parts "$work/apt/parts";
Dir::Etc::preferencesparts "$work/apt/parts";
Dir::State "$work/apt";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
END
export APT_CONFIG="$work/apt/conf"
apt-get -qq update
image=$(apt-cache depends "linux-image-$arch" | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
apt-get -qq download "$image" busybox-static wireless-regdb
for package in *.deb; do dpkg-deb --extract "$package" tree; done

mkdir -p ram/bin ram/modules
cp tree/bin/busybox ram/bin/busybox 2>/dev/null || cp tree/usr/bin/busybox ram/bin/busybox
# What a module needs stands in itself.
order=0
load() {
  case " ${loaded-} " in *" $1 "*) return ;; esac
  loaded="${loaded-} $1"
  found=$(find tree -name "$(echo "$1" | tr _- '??').ko*" | head -n 1)
  # Built in.
  [ -n "$found" ] || return 0
  case $found in
    *.xz) xz -dc "$found" ;;
    *.zst) zstd -qdc "$found" ;;
    *) cat "$found" ;;
  esac >"$1.ko"
  for other in $(tr '\0' '\n' <"$1.ko" | sed -n 's/^depends=//p' | tr , ' '); do load "$other"; done
  order=$((order + 1))
  mv "$1.ko" "ram/modules/$(printf %03d "$order")-$1.ko"
}
for module in virtio_pci virtio_blk virtio_net virtio_rng crc32c_generic ext4 vfat nls_cp437 nls_ascii autofs4 \
  mac80211_hwsim; do load "$module"; done
# Read by cfg80211 as soon as it is loaded; signed by Debian, as its kernel is.
mkdir -p ram/lib/firmware
rules=$(find tree -name regulatory.db-debian)
cp "$rules" ram/lib/firmware/regulatory.db
cp "${rules%-debian}.p7s-debian" ram/lib/firmware/regulatory.db.p7s
cp "$init" ram/init
chmod 755 ram/init
rm -rf "$folder.new"
mkdir -p "$folder.new"
(cd ram && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$folder.new/initramfs8"
cp tree/boot/vmlinu[xz]-* "$folder.new/kernel8.img"
mv "$folder.new" "$folder"
