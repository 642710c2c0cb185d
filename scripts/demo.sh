#!/bin/sh
# npm run demo: the whole story on real machines, from nothing to a device that comes back after a power cut, and with a
# fresh card.
# Needs Debian 12 or 13, root and Node. Takes everything down again, also after Ctrl-C or a failure; DEMO_KEEP=1 keeps it.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
gateway=ssh-gw.guest.internal
device=host-a.lan.internal
client=host001.guest.internal
# The plan says 10 s; a machine that is busy with other things may take longer to boot.
patience=60

if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
fail() {
  echo "demo: error: $*" >&2
  exit 1
}

[ "$(uname -s)" = Linux ] || fail 'the demo boots machines with systemd-nspawn, so it needs Linux'
[ "$(id -u)" = 0 ] || fail 'the demo boots machines and makes networks, so it needs root: sudo npm run demo'

folder=$(mktemp -d)
finish() {
  code=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [ "$code" != 0 ] && [ -e "$folder/said" ]; then cat "$folder/said" >&2; fi
  if [ -n "${up-}" ] && [ -n "${DEMO_KEEP-}" ]; then
    echo "demo: kept; take it down with: provision lab down $folder/guest-lan.json" >&2
    exit "$code"
  fi
  if [ -n "${up-}" ] && ! lab down guest-lan.json; then code=1; fi
  rm -rf "$folder"
  [ "$code" = 0 ] || echo "demo: ended with exit code $code; what it had booted is taken down" >&2
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

lab() { node "$root/bin/provision.js" lab "$@"; }
show() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; }
now() { cut -d ' ' -f 1 /proc/uptime; }
since() { echo "$1 $(now)" | awk '{ printf "%.1f", $2 - $1 }'; }

# Shows a command as a person at the admin machine in the LAN types it, and runs it there: at_admin EXIT-CODE provision …
at_admin() {
  wanted=$1
  shift 2
  show "provision $*"
  code=0
  lab run guest-lan.json -- node "$root/bin/provision.js" "$@" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || fail "provision $* ended with exit code $code, not $wanted"
}

# A line of shell as user001 types it on host001, in the guest network. Keeps to 10 seconds.
at_client() {
  timeout --foreground 10 node "$root/bin/provision.js" \
    lab exec guest-lan.json "$client" -- su - user001 -c "$1" </dev/null 2>&1
}

heading 'Getting ready'
began=$(now)
installed=node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ -n "$(find package-lock.json -newer "$installed")" ]; then
  echo 'npm ci'
  npm ci --no-audit --no-fund --loglevel=error >"$folder/npm.log" 2>&1 || {
    cat "$folder/npm.log" >&2
    fail 'npm ci did not work; npm says why above'
  }
fi
sh scripts/prepare-machine.sh
node scripts/build.js
echo "ready after $(since "$began") s"

heading "Three Debian machines: $gateway and $client in the guest network, $device in the LAN, a firewall between"
cp inventory/examples/guest-lan.json "$folder"
cd "$folder"
up=yes
show 'provision lab up guest-lan.json'
lab up guest-lan.json 2>&1
echo
echo "From $client nobody reaches $device: the guest network may not call the LAN."
show "ssh $device    # on $client"
if at_client "ssh -o BatchMode=yes -o ConnectTimeout=2 $device hostname"; then
  fail "$client reached $device before anything was set up"
fi

heading 'The plan: --check looks and touches nothing (exit code 4: there is something to change)'
at_admin 4 provision guest-lan.json --check >said
cut -c 1-120 said
rm said

heading 'The apply, and the proof right after it'
at_admin 0 provision guest-lan.json

heading 'The proof alone, any time later'
at_admin 0 provision verify guest-lan.json

heading 'A second run changes nothing'
at_admin 0 provision guest-lan.json >said
grep -q '^provisioned: 2 ok; 1 of 1 ' said || fail 'the second run changed something'
cat said
rm said

# give_people FILE WORDS…: what `provision ssh-config WORDS…` prints, into ~/.ssh/FILE there.
give_people() {
  file=$1
  shift
  lab run guest-lan.json -- node "$root/bin/provision.js" ssh-config guest-lan.json "$@" >"$file"
  lab exec guest-lan.json "$client" -- runuser -u user001 -- tee "/home/user001/.ssh/$file" <"$file" >/dev/null
}
login() { at_client "ssh $device hostname"; }
# expect_login NAME: the host name of the machine that answers.
expect_login() {
  show "ssh $device hostname    # on $client"
  answer=$(login) || fail "$client cannot log in to $device: $answer"
  [ "$answer" = "$1" ] || fail "$client reached another machine: $answer"
  echo "$answer"
}

heading "For the people on $client"
show "provision ssh-config guest-lan.json --client $client    # → ~/.ssh/config there"
give_people config --client "$client"
cat config
give_people known_hosts --known-hosts
expect_login "$device"

heading "The plug of $device is pulled"
show "provision lab kill guest-lan.json $device"
lab kill guest-lan.json "$device"
at_admin 3 provision verify guest-lan.json

heading "It gets power again, and nobody does anything"
show "provision lab boot guest-lan.json $device"
began=$(now)
lab boot guest-lan.json "$device"
until answer=$(login) && [ "$answer" = "$device" ]; do
  [ "$(since "$began" | cut -d . -f 1)" -lt "$patience" ] || fail "$device did not come back in $patience s: $answer"
  sleep 1
done
recovery=$(since "$began")
show "ssh $device hostname    # on $client, once a second, until it answers: $recovery s"
echo "$answer"
at_admin 0 provision verify guest-lan.json

heading "The card of $device died: a new one is made here, and somebody on site puts it in"
at_admin 0 provision image guest-lan.json --device "$device" --output card --format cloud-init
show "provision lab reflash guest-lan.json $device --seed card    # a fresh Raspberry Pi OS, with these files on it"
lab reflash guest-lan.json "$device" --seed card 2>&1
began=$(now)
at_admin 0 provision verify guest-lan.json --only forwards --wait 120
return=$(since "$began")
at_admin 0 provision guest-lan.json
show "provision ssh-config guest-lan.json --known-hosts    # → ~/.ssh/known_hosts on $client: it has new host keys"
give_people known_hosts --known-hosts
expect_login "${device%%.*}"

heading 'What you have seen'
echo "the login:    on $client, 'ssh $device hostname' printed $answer"
echo "the recovery: $recovery s after $device got power again the same login worked, and nobody had touched anything"
echo "the return:   $return s after it got power with a fresh card it was known at its gateway, with nobody logging in"
