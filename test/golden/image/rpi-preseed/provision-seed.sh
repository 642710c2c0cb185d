#!/bin/sh
# Sets up host-a.lan.internal at its first boot. Made by provision; holds secrets.
provision() {
id=2b0ad5b9c97b058b
format=rpi-preseed
boot=/boot/firmware
host_name=host-a
first_user() { printf %s admin; }
mark='provision k7w2m9qd'
wifi=yes
wifi_country=DE
program=/etc/reverse-tunnel/first-boot
program_text='#!/bin/sh
echo enrolled
'
accounts() {
account admin yes 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAdmin admin@host001' || return
account guest no  || return
:; }
files() {
put /etc/reverse-tunnel/known_hosts 0644 'ssh-gw ssh-ed25519 AAAA
' || return
put /etc/reverse-tunnel/enrolment/key 0600 'one-time '\''key'\''
$HOME \n
' || return
:; }
# What a freshly flashed system does until it is set up. Needs $id (of this very seed), $mark (of accounts that are
# made), $format, $boot (where the FAT partition is mounted), $host_name, $wifi (yes: the inventory has one), $wifi_country,
# $program, $program_text, and the functions accounts, files and first_user (who logs in, unless that is root).
#
# From the FAT partition it installs itself as a unit; what the unit runs is the copy. It may be cut off at any moment and
# begins again at the next boot, or ten seconds later where it failed: what is done stands in $home, and never earlier
# than the disk has it.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077

home=/var/lib/provision/first-boot
unit=provision-first-boot.service
seed=$boot/provision-seed.sh
this_boot=/run/provision-first-boot
end='
'

say() { echo "provision: $*" >&2; }

# The states of this seed: prepared, ending (the user dialogue), finished.
is() { [ "$(cat "$home/$1" 2>/dev/null)" = "$id" ]; }
reached() { sync && put "$home/$1" 0600 "$id" && sync; }

# put PATH MODE TEXT: whole or not at all.
put() {
  (umask 022 && mkdir -p "${1%/*}/") &&
    printf %s "$3" >"$1.new" &&
    chmod "$2" "$1.new" &&
    mv -f "$1.new" "$1"
}

install_unit() {
  mkdir -p "$home" && chmod 700 "$home" || return
  cat "$0" >"$home/seed.sh.new" && mv -f "$home/seed.sh.new" "$home/seed.sh" &&
    put "/etc/systemd/system/$unit" 0644 "[Unit]
Description=First boot: set up this device
After=cloud-init.service cloud-init-network.service rpi-preseed.service NetworkManager.service
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh $home/seed.sh
Restart=on-failure
RestartSec=10

[Install]
WantedBy=multi-user.target$end" &&
    mkdir -p /etc/systemd/system/multi-user.target.wants &&
    ln -sf "/etc/systemd/system/$unit" "/etc/systemd/system/multi-user.target.wants/$unit" || return
  # The unit sees to that once it has begun, and may have ended it already: rpi-preseed comes here twice in a boot.
  [ -e "$this_boot" ] || is finished || no_dialogue
  sync
  # firstrun.sh ends in a reboot.
  [ "$format" = firstrun ] || { systemctl daemon-reload && systemctl start --no-block "$unit"; }
}

# Raspberry Pi OS asks for a user at the keyboard, and holds up multi-user.target until somebody answers. Not at this boot; and
# where the card says who that user is, it does not ask. One that has ended stays so.
no_dialogue() {
  has_dialogue && ! names_user || return 0
  if is prepared && ! asked_for; then return 0; fi
  systemctl mask --runtime userconfig.service
  systemctl stop --no-block userconfig.service
}

has_dialogue() { [ -e /usr/lib/systemd/system/userconfig.service ] || [ -e /lib/systemd/system/userconfig.service ]; }
names_user() { [ -e "$boot/userconf.txt" ] || [ -e "$boot/userconf" ]; }

# As the dialogue ends: no banner at each login, a login at the screen. Not by a mask for good, which rename-user would meet.
# A power cut in the midst of it leaves the mark, and the next boot does all of it again.
end_dialogue() {
  has_dialogue || return 0
  systemctl unmask --runtime userconfig.service
  is ending || { asked_for && reached ending; } || return 0
  user=$(first_user)
  cancel-rename "${user:-$(getent passwd 1000 | cut -d : -f 1)}" || say 'cancel-rename failed'
  if asked_for; then
    rm -f "$banner"
    systemctl disable userconfig.service
    systemctl enable getty@tty1.service
  fi
  sync
  rm -f "$home/ending"
}

banner=/etc/ssh/sshd_config.d/rename_user.conf
asked_for() { [ -e "$banner" ] || [ -e /etc/systemd/system/multi-user.target.wants/userconfig.service ]; }

run() {
  first_of_this_boot
  if ! is finished; then
    mounted
    user_made || return
    no_dialogue
    is prepared || { prepare && reached prepared; } || { say 'host name, accounts and files could not be set up; next attempt in 10 seconds'; return 1; }
    wifi_on
    end_dialogue
    put "$program" 0700 "$program_text" || return
    sh "$program" || { code=$?; say "$program ended with exit code $code; next attempt in 10 seconds"; return "$code"; }
    reached finished || return
  fi
  # Done here; now nothing secret may stay.
  mounted
  [ -w "$boot" ] || mount -o remount,rw "$boot" || return
  wipe "$seed" && clean_up && rm -f "$program" && retire
}

mounted() { mountpoint -q "$boot" || mount "$boot" 2>/dev/null || :; }

prepare() { set_host_name && accounts && files; }

# userconf.txt is read by userconfig.service, which takes it away: its user may be one of ours. Waited for a minute.
user_made() {
  has_dialogue && names_user || return 0
  echo >>"$this_boot/user"
  [ "$(wc -l <"$this_boot/user")" -le 6 ] || return 0
  say 'userconfig.service has not read userconf.txt yet; next check in 10 seconds'
  return 75
}

# A power cut can leave the locks of useradd, and after a reboot their process ids are other processes'.
first_of_this_boot() {
  [ ! -e "$this_boot" ] || return 0
  rm -f /etc/passwd.lock /etc/shadow.lock /etc/group.lock /etc/gshadow.lock /etc/subuid.lock /etc/subgid.lock
  mkdir -p "$this_boot"
}

set_host_name() {
  put /etc/hostname 0644 "$host_name$end" &&
    {
      grep -v '^127\.0\.1\.1[[:space:]]' /etc/hosts
      printf '127.0.1.1\t%s\n' "$host_name"
    } >/etc/hosts.new && chmod 644 /etc/hosts.new && mv -f /etc/hosts.new /etc/hosts || return
  [ "$(uname -n)" = "$host_name" ] || hostname "$host_name" || :
}

# account NAME SUDO KEY…: no password; who is there already keeps everything and gets these keys too, and with them a way in.
account() {
  name=$1
  may_sudo=$2
  shift 2
  if ! getent passwd "$name" >/dev/null; then
    own=--user-group
    if getent group "$name" >/dev/null; then own="--gid=$name"; fi
    useradd --comment "$mark" --create-home --shell /bin/bash --password '*' "$own" "$name" || return
  elif [ $# -gt 0 ]; then
    way_in || return
  fi
  where=$(getent passwd "$name" | cut -d : -f 6) && group=$(id -g "$name") || return
  if [ ! -d "$where" ]; then
    (umask 022 && mkdir -p "$where" && cp -R /etc/skel/. "$where/") && chown -R "$name:$group" "$where" || return
  fi
  mkdir -p "$where/.ssh" || return
  keys=$where/.ssh/authorized_keys
  {
    grep '' "$keys" 2>/dev/null
    for key; do grep -qxF -e "$key" "$keys" 2>/dev/null || printf '%s\n' "$key"; done
  } >"$keys.new" && chmod 700 "$where/.ssh" && chmod 600 "$keys.new" && chown "$name:$group" "$where/.ssh" "$keys.new" &&
    mv -f "$keys.new" "$keys" || return
  [ "$may_sudo" = no ] || put "/etc/sudoers.d/010_provision-$(printf %s "$name" | tr . _)" 0440 "$name ALL=(ALL:ALL) NOPASSWD: ALL$end"
}

# Images have users without a shell (pi), whose password "!" locks them where sshd does without PAM. A password stays.
way_in() {
  case $(getent passwd "$name" | cut -d : -f 7) in
    */nologin | */false) usermod --shell /bin/bash "$name" || return ;;
  esac
  case $(getent shadow "$name" | cut -d : -f 2) in
    '!' | '!!' | '!*') usermod --password '*' "$name" || return ;;
  esac
}

# Images leave Wi-Fi off in two places: blocked until it knows which country's rules it is to keep, and in NetworkManager, which
# keeps that in a file of its own. At every boot until the end, since one of them may not have been there yet.
wifi_on() {
  [ "$wifi" = yes ] || return 0
  if [ -n "$wifi_country" ]; then
    raspi-config nonint do_wifi_country "$wifi_country" || iw reg set "$wifi_country" || say 'the Wi-Fi country could not be set'
  fi
  rfkill unblock wifi || say 'Wi-Fi could not be unblocked'
  nmcli radio wifi on || say 'NetworkManager could not switch Wi-Fi on'
  nmcli connection reload || :
}

# wipe FILE: gone, and overwritten where it lay.
wipe() {
  [ -e "$1" ] || return 0
  dd if=/dev/zero of="$1" bs=512 count=$((($(wc -c <"$1") + 511) / 512)) conv=notrunc 2>/dev/null && sync && rm -f "$1" && sync
}

clean_up() {
  case $format in
    cloud-init) after_cloud_init ;;
    # Where its end did not come about: it may still be named to the kernel, then it stays.
    firstrun) [ ! -e "$boot/provision-start.sh" ] || sh "$boot/provision-start.sh" end ;;
    *) : ;;
  esac
}

# What the user wanted of cloud-init comes late, in its last stage. After a quarter of an hour it is waited for no longer; nor is
# one that this has switched off before a power cut.
after_cloud_init() {
  if [ ! -e /run/cloud-init/result.json ] && [ ! -e /etc/cloud/cloud-init.disabled ]; then
    echo >>"$this_boot/waited"
    [ "$(wc -l <"$this_boot/waited")" -gt 90 ] || { say 'cloud-init is still running; next check in 10 seconds'; return 75; }
  fi
  put /etc/cloud/cloud-init.disabled 0644 "provision has set this device up$end" && sync || return
  wipe "$boot/network-config" && wipe "$boot/user-data" && echo '#cloud-config' >"$boot/user-data" || return
  rm -rf /var/lib/cloud/instances/*/user-data.txt* /var/lib/cloud/instances/*/cloud-config.txt \
    /var/lib/cloud/instances/*/obj.pkl /var/lib/cloud/instances/*/network-config.json \
    /var/lib/cloud/instances/*/scripts/runcmd /run/cloud-init/*sensitive* /run/cloud-init/network-config.json || return
  # It logs the whole network-config, with the passphrase of the Wi-Fi.
  for log in /var/log/cloud-init*.log*; do
    if [ -f "$log" ]; then sed -i -e '/[Pp]assw/d' -e '/access-points/d' "$log" || return; fi
  done
}

# The mark that this seed is finished stays: a copy of it that comes back does nothing. The copy that ran here is replaced
# by what is still to be removed, so that no secret outlives a power cut in between. One process removes the unit and then that
# copy: a power cut between the two would leave a file that nobody removes.
retire() {
  put "$home/seed.sh" 0600 "rm -f /etc/systemd/system/multi-user.target.wants/$unit /etc/systemd/system/$unit $home/prepared $home/ending $home/seed.sh$end" && sync && sh "$home/seed.sh" || return
  sync
  rm -rf "$this_boot"
  systemctl daemon-reload
  say 'the first boot is complete'
}

case $0 in
  "$home/"*) run ;;
  *) install_unit ;;
esac
}
if :; then provision </dev/null; fi
