#!/bin/bash
# The same work as a careful admin would script it: few execs over one connection to each host (ControlMaster), that begin here
# and end here, and a login through the forward. Prints how many connections and execs it took.
#
#   by-hand.sh first|again|check FOLDER KEY GATEWAY DEVICE PORT    FOLDER keeps what the hosts showed before
set -eu
what=$1 folder=$2 key=$3 gateway=$4 device=$5 port=$6
here=${0%/*}
sockets=$(mktemp -d)
call() { ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ControlMaster=auto -o ControlPath="$sockets/%n" -o ControlPersist=yes "$@"; }
hang_up() { for host in "$gateway" "$device"; do ssh -o ControlPath="$sockets/%n" -O exit "$host" 2>/dev/null || :; done; rm -r "$sockets"; }
trap hang_up EXIT
# on HOST SCRIPT NAME=VALUE…
on() {
  local host=$1 script=$here/$2
  shift 2
  { for each in "$@"; do printf '%s=%q\n' "${each%%=*}" "${each#*=}"; done; cat "$script"; } | call "$host" sudo bash
}
through() {
  ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o HostKeyAlias="$device" -o ControlPath=none \
    -o ProxyCommand="ssh -o BatchMode=yes -o ControlPath=$sockets/%%n -W 127.0.0.1:$port $gateway" "$device" true
}
look() {
  on "$1" look.sh >"$folder/$1.now"
  [ -e "$folder/$1.before" ] || cp "$folder/$1.now" "$folder/$1.before"
  cmp "$folder/$1.now" "$folder/$1.before"
}
if [ "$what" = first ]; then
  call "$gateway" true &
  public=$(on "$device" key.sh "key=$key")
  wait $!
  host_key=$(on "$gateway" admit.sh "key=$key" "port=$port" "public=$public")
  on "$device" dial.sh "gateway=$gateway" "port=$port" "host_key=$host_key"
  through
  echo 3 5
else
  look "$device" &
  look "$gateway"
  wait $!
  if [ "$what" = check ]; then echo 2 2; else through && echo 3 3; fi
fi
