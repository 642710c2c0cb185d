#!/bin/sh
# What a careful admin would write by hand to see that all is as it was: one exec a host, all at once, over connections
# that ssh keeps open (ControlMaster), and a login through every forward. The best case: somebody logged in a minute ago.
#
#   by-hand.sh FOLDER KEY GATEWAY DEVICE:PORT…    FOLDER keeps the sockets, and what the hosts said the first time
set -eu
folder=$1 key=$2 gateway=$3
shift 3

call() { ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ControlMaster=auto -o ControlPath="$folder/%C" -o ControlPersist=300 "$@"; }

on_all='
  file=/home/user002/.ssh/authorized_keys
  [ "$key" = "$(cat $file)" ] || { printf "%s\n" "$key" >$file.new && chmod 600 $file.new && chown user002: $file.new && mv $file.new $file; }
'
on_gateway='
  accounts=$(getent passwd | grep -o "^tunnel-[^:]*")
  echo "$accounts"
  sha256sum /etc/ssh/reverse-tunnel/keys/* /etc/ssh/sshd_config.d/00-reverse-tunnel.conf /etc/systemd/system/reverse-tunnel-*
  sshd -t && sshd -T -C "user=$(echo "$accounts" | head -n 1),host=localhost,addr=127.0.0.1" | sha256sum
  systemctl is-active "reverse-tunnel-*.socket"
'
on_device='
  getent passwd reverse-tunnel
  sha256sum /etc/reverse-tunnel/* /etc/systemd/system/reverse-tunnel-*
  systemctl is-enabled "reverse-tunnel-*"
  systemctl is-active "reverse-tunnel-*"
'

compare() {
  [ -e "$folder/$1.wanted" ] || cp "$folder/$1.now" "$folder/$1.wanted"
  cmp "$folder/$1.now" "$folder/$1.wanted"
}

device() {
  call "$1" sudo sh >"$folder/$1.now" <<SCRIPT
key='$key'
$on_all
$on_device
SCRIPT
  compare "$1"
}

through() {
  ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o HostKeyAlias="$1" -o ControlPath=none \
    -o ProxyCommand="ssh -o BatchMode=yes -o ControlPath=$folder/%%C -W 127.0.0.1:$2 $gateway" "$1" true
}

pids=''
for each in "$@"; do
  device "${each%:*}" &
  pids="$pids $!"
done
call "$gateway" sudo sh >"$folder/$gateway.now" <<SCRIPT
key='$key'
$on_all
$on_gateway
SCRIPT
compare "$gateway"
for each in "$@"; do
  through "${each%:*}" "${each#*:}" &
  pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done
