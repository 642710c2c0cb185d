#!/bin/busybox sh
# What a card boots before its own system does, as Raspberry Pi OS' initramfs does it: once, for the word `resize` on the
# kernel's command line, the root file system grows to the end of the card, the disk gets an id of its own, and the system its
# host keys. Programs for that are those of the card's own system, copied while it is not in use yet.
PATH=/bin
busybox mkdir -p /proc /dev /root /boot
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
# Where the command line says it, as modprobe would read it.
regdom=$(grep -o 'cfg80211[.]ieee80211_regdom=..' /proc/cmdline | cut -d . -f 2)
for module in /modules/*; do
  case $module in
    # Wi-Fi is blocked until somebody says which country it is in.
    *-rfkill.ko) insmod "$module" default_state=0 ;;
    *-cfg80211.ko) insmod "$module" ${regdom:+"$regdom"} ;;
    *) insmod "$module" ;;
  esac
done
until [ -b /dev/vda2 ]; do usleep 50000; done

disk_id() { dd if=/dev/vda bs=1 skip=440 count=4 2>/dev/null | hexdump -e '1/4 "%08x"'; }

# PROGRAM…: with all that they load.
copied() {
  for program; do
    for file in "/usr/sbin/$program" $(chroot /root ldd "/usr/sbin/$program" | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p'); do
      mkdir -p "${file%/*}"
      [ -e "$file" ] || cp "/root$file" "$file"
    done
  done
}

first_boot() {
  mount -t ext4 -o ro /dev/vda2 /root
  copied parted e2fsck resize2fs
  umount /root
  /usr/sbin/parted --script /dev/vda resizepart 2 100% 2>/dev/null
  /usr/sbin/e2fsck -f -y /dev/vda2 >/dev/null 2>&1
  /usr/sbin/resize2fs /dev/vda2 >/dev/null 2>&1
  old=$(disk_id)
  dd if=/dev/urandom of=/dev/vda bs=1 seek=440 count=4 conv=notrunc 2>/dev/null
  new=$(disk_id)
  mount -t ext4 /dev/vda2 /root
  mount -t vfat /dev/vda1 /boot
  sed -i "s/$old/$new/" /root/etc/fstab
  chroot /root ssh-keygen -A
  sync
  sed -i -e "s/$old/$new/" -e 's/ resize\b//' /boot/cmdline.txt
  umount /boot /root
  sync
}

if grep -qw resize /proc/cmdline; then
  first_boot
elif ! grep -q "root=PARTUUID=$(disk_id)-02" /proc/cmdline; then
  echo 'the root file system of the command line is not there'
  while :; do sleep 60; done
fi
mount -t ext4 -o ro /dev/vda2 /root
umount /proc
mount -o move /dev /root/dev
exec switch_root /root /sbin/init
