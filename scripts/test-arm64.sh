#!/bin/sh
# npm run test:arm64: the test of a whole card with an arm64 system, as a Pi's is. As root on Debian. On another processor all of
# it is emulated: making the system, once, takes long, and so does the test itself.
set -eu
cd "$(dirname "$0")/.."

sh scripts/prepare-machine.sh --arm64

packages=systemd-sysv,openssh-server,openssh-client,sudo,dbus,libpam-systemd,iproute2,procps,udev
packages=$packages,cloud-init,network-manager,netplan.io,systemd-timesyncd,e2fsprogs,dosfstools,parted,rfkill,iw,wireless-regdb
cache=/var/cache/provision-lab
tree=$cache/trixie-arm64-$(echo "$packages" | sha256sum | cut -c 1-8)

# Programs of arm64 run here as if they were of this machine, for as long as this runs.
formats=/proc/sys/fs/binfmt_misc
finish() {
  [ -z "${registered-}" ] || echo -1 >"$formats/provision-aarch64"
  [ -z "${mounted-}" ] || umount "$formats"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if ! arch-test arm64 >/dev/null 2>&1; then
  if [ ! -e "$formats/register" ]; then
    mount -t binfmt_misc binfmt_misc "$formats"
    mounted=yes
  fi
  head='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  printf '%s' ":provision-aarch64:M::$head:$mask:/usr/bin/qemu-aarch64-static:F" >"$formats/register"
  registered=yes
fi

mkdir -p "$cache"
if [ ! -e "$tree" ]; then
  # shellcheck disable=SC2016
  mirror=${PROVISION_LAB_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' | sed -n '/^Debian Debian /{s///p;q;}')}
  echo "making an arm64 root file system, once (this takes long where it is emulated)" >&2
  rm -rf "$tree.new"
  # Unpacked by this machine's own programs: only what configures the packages has to be emulated.
  mmdebstrap --quiet --mode=root --variant=extract --format=directory --architectures=arm64 --skip=cleanup/apt/cache \
    --include='?or(?essential,?priority(required))' --include="$packages" trixie "$tree.new" "deb $mirror trixie main"
  dpkg --root="$tree.new" --force-architecture --force-depends --force-unsafe-io \
    --unpack "$tree.new"/var/cache/apt/archives/*.deb >/dev/null
  # shellcheck disable=SC2016
  DEBIAN_FRONTEND=noninteractive unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" dpkg --configure -a' \
    "$tree.new" >/dev/null
  (cd "$tree.new" && rm -rf var/cache/apt/archives/*.deb usr/share/doc/* usr/share/man/* usr/share/locale/*)
  mv "$tree.new" "$tree"
fi

export PROVISION_CARD_ARCHITECTURE=arm64 PROVISION_CARD_TREE="$tree"
sh scripts/test.sh test/e2e/card.test.ts
