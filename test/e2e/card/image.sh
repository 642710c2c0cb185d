# IMAGE TREE BOOT CARD: the image of a card as it is flashed, with an MBR, a FAT32 `bootfs` at 8 MiB and an ext4 `rootfs`. The
# latter holds the Debian TREE, made a fresh card's by the program CARD; the former the files of BOOT. TREE stays as it is.
# To be run in a mount namespace of its own.
set -eu
image=$1
tree=$2
boot=$3
card=$4
boot_size=64
root_size=768

work=$(mktemp -d)
mount -t tmpfs -o size=256m card "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/work" card "$work/root"
root=$work/root
# systemctl says that /proc is not there.
sh "$card" "$root" cloud-init </dev/null 2>/dev/null

rm -f "$root"/etc/ssh/ssh_host_*

# This one has a disk and a network card of its own.
cat >"$root/etc/fstab" <<'END'
/dev/vda2 / ext4 defaults,noatime 0 0
/dev/vda1 /boot/firmware vfat defaults 0 0
END
rm -f "$root/etc/systemd/system/late-online.service" \
  "$root/etc/systemd/system/network-online.target.wants/late-online.service"
for unit in systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service; do
  rm -f "$root/etc/systemd/system/$unit"
done
sed -i '/systemd-networkd/d' "$root/etc/systemd/system-preset/10-card.preset"
# Raspberry Pi OS does this by itself, and its card has it already.
printf 'resize_rootfs: false\ngrowpart: { mode: "off" }\n' >"$root/etc/cloud/cloud.cfg.d/98_size.cfg"
if [ -d "$root/etc/NetworkManager" ]; then
  printf 'network:\n  version: 2\n  renderer: NetworkManager\n' >"$root/usr/lib/netplan/00-network-manager-all.yaml"
  chmod 600 "$root/usr/lib/netplan/00-network-manager-all.yaml"
fi

new=$image.new
rm -f "$new"
truncate -s $((8 + boot_size + root_size))M "$new"
sfdisk -q "$new" <<END
label: dos
start=8MiB, size=${boot_size}MiB, type=c
start=$((8 + boot_size))MiB, size=${root_size}MiB, type=83
END
mkfs.vfat -F 32 -s 1 -n bootfs --offset $((8 << 11)) "$new" $((boot_size << 10)) >/dev/null
for file in "$boot"/*; do mcopy -i "$new@@8M" "$file" ::; done
mke2fs -q -t ext4 -L rootfs -E "offset=$(((8 + boot_size) << 20))" -d "$root" "$new" "${root_size}M"
umount "$root" "$work"
rmdir "$work"
mv "$new" "$image"
