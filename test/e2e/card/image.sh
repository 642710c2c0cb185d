# IMAGE TREE BOOT CARD: the image of a card as it is flashed, with an MBR made by parted, a FAT32 `bootfs` at 8 MiB and an ext4
# `rootfs`, and a card's room behind them. The latter holds the Debian TREE, made a fresh card's by the program CARD; the former
# the files of BOOT. TREE stays as it is. To be run in a mount namespace of its own.
set -eu
image=$1
tree=$2
boot=$3
card=$4
boot_size=96
root_size=$(($(du -sm "$tree" | cut -f 1) + 250))
room=256

work=$(mktemp -d)
mount -t tmpfs -o size=256m card "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/work" card "$work/root"
root=$work/root
# systemctl says that /proc is not there.
sh "$card" "$root" cloud-init </dev/null 2>/dev/null

rm -f "$root"/etc/ssh/ssh_host_*

new=$image.new
rm -f "$new"
truncate -s $((8 + boot_size + root_size + room))M "$new"
parted --script "$new" mklabel msdos mkpart primary fat32 8MiB $((8 + boot_size))MiB \
  mkpart primary ext4 $((8 + boot_size))MiB $((8 + boot_size + root_size))MiB
disk=$(od -A n -t x4 -j 440 -N 4 "$new" | tr -d ' ')

# This one has a disk and a network card of its own. A Pi's root is read-only when systemd starts.
cat >"$root/etc/fstab" <<END
PARTUUID=$disk-02 / ext4 defaults,noatime 0 0
PARTUUID=$disk-01 /boot/firmware vfat defaults 0 0
END
rm -f "$root/etc/systemd/system/late-online.service" \
  "$root/etc/systemd/system/network-online.target.wants/late-online.service" \
  "$root/etc/systemd/system/netplan-regdom.service" "$root/etc/NetworkManager/conf.d/lab.conf"
# Raspberry Pi OS does this by itself, before systemd starts.
printf 'resize_rootfs: false\ngrowpart: { mode: "off" }\n' >"$root/etc/cloud/cloud.cfg.d/98_size.cfg"

mkfs.vfat -F 32 -s 1 -n bootfs --offset $((8 << 11)) "$new" $((boot_size << 10)) >/dev/null
for file in "$boot"/*; do mcopy -i "$new@@8M" "$file" ::; done
sed "s/^root=[^ ]*\| root=[^ ]*/ root=PARTUUID=$disk-02/" "$boot/cmdline.txt" | mcopy -o -i "$new@@8M" - ::cmdline.txt
mke2fs -q -t ext4 -L rootfs -E "offset=$(((8 + boot_size) << 20))" -d "$root" "$new" "${root_size}M"
umount "$root" "$work"
rmdir "$work"
mv "$new" "$image"
