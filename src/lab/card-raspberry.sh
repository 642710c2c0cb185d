# What Raspberry Pi's own packages bring, in our words: as much of it as a first boot meets. Part of card.sh.

# put PATH MODE, the text on stdin.
put() { mkdir -p "$root${1%/*}" && cat >"$root$1" && chmod "$2" "$root$1"; }

# NAME TARGET: switched on, as `systemctl enable` does it.
switch_on() {
  mkdir -p "$etc/systemd/system/$2.wants"
  ln -sf "/usr/lib/systemd/system/$1" "$etc/systemd/system/$2.wants/$1"
}

# Nobody knows its password, and it has no shell: whoever sets the card up gives it another name, or a password.
first_user() {
  for group in spi i2c gpio; do chroot "$root" groupadd --force --system "$group"; done
  chroot "$root" useradd --create-home --shell /usr/sbin/nologin --password '!' \
    --groups adm,dialout,cdrom,sudo,audio,video,plugdev,games,users,input,render,spi,i2c,gpio pi
}

# It reads userconf.txt, or asks at the keyboard until somebody answers: the boot is not done before.
user_dialogue() {
  put /usr/lib/systemd/system/userconfig.service 644 <<'END'
[Unit]
Description=Who is the user of this device?
RequiresMountsFor=/boot/firmware
[Service]
Type=oneshot
ExecStart=/usr/lib/userconf-pi/userconf-service
[Install]
WantedBy=multi-user.target
END
  put /usr/lib/userconf-pi/userconf-service 755 <<'END'
#!/bin/sh
for file in /boot/firmware/userconf.txt /boot/firmware/userconf; do
  [ -e "$file" ] || continue
  read -r line <"$file"
  rm -f "$file"
  exec /usr/lib/userconf-pi/userconf "${line%%:*}" "${line#*:}"
done
exec sleep infinity
END
  put /usr/lib/userconf-pi/userconf 755 <<'END'
#!/bin/sh
# NAME HASH: the first user is called that, and has that password.
set -e
first=$(getent passwd 1000 | cut -d : -f 1)
if [ "$first" != "$1" ]; then
  usermod --login "$1" "$first"
  usermod --move-home --home "/home/$1" "$1"
  groupmod --new-name "$1" "$first"
fi
usermod --shell /bin/bash "$1"
printf '%s:%s\n' "$1" "$2" | chpasswd --encrypted
cancel-rename "$1"
END
  put /usr/bin/cancel-rename 755 <<'END'
#!/bin/sh
rm -f /etc/ssh/sshd_config.d/rename_user.conf
systemctl --quiet disable userconfig.service
systemctl --quiet enable getty@tty1.service
systemctl --quiet reload ssh.service 2>/dev/null || :
END
  # As the image's own `rename-user` has left it.
  put /etc/ssh/sshd_config.d/rename_user.conf 644 <<'END'
Banner /usr/share/userconf-pi/sshd_banner
END
  put /usr/share/userconf-pi/sshd_banner 644 <<'END'
SSH may not work until a valid user has been set up.
END
  switch_on userconfig.service multi-user.target
  rm -f "$etc/systemd/system/getty.target.wants/getty@tty1.service"
}

# Off in both places, until somebody says which country it is in. This raspi-config is one that only unblocks; the
# kernel is told at the next boots by its command line.
wifi_off() {
  put /var/lib/NetworkManager/NetworkManager.state 600 <<'END'
[main]
NetworkingEnabled=true
WirelessEnabled=false
WWANEnabled=true
END
  put /usr/bin/raspi-config 755 <<'END'
#!/bin/sh
[ "$1 $2" = 'nonint do_wifi_country' ] || exit 1
iw reg set "$3" 2>/dev/null
sed -i -e 's/ *cfg80211.ieee80211_regdom=[^ ]*//' -e "s/\$/ cfg80211.ieee80211_regdom=$3/" /boot/firmware/cmdline.txt
rfkill unblock wifi 2>/dev/null
echo "$3" >/var/lib/wifi-country
END
}

# NetworkManager alone; a journal that is gone with the power, for the card's sake.
network_and_journal() {
  put /usr/lib/netplan/00-network-manager-all.yaml 600 <<'END'
network:
  version: 2
  renderer: NetworkManager
END
  for unit in systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service; do
    find "$etc/systemd/system" -name "$unit" -delete
  done
  rm -f "$etc/systemd/system/network-online.target.wants/NetworkManager-wait-online.service"
  switch_on NetworkManager.service multi-user.target
  put /usr/lib/systemd/journald.conf.d/40-volatile.conf 644 <<'END'
[Journal]
Storage=volatile
END
}
