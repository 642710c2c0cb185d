#!/bin/sh
# The first boots of a fresh card, as root, until this has ended with 0 once. It makes the device's own keys, hands in their
# public halves at each gateway (see enrol.sh there), and starts the tunnel. It may be stopped anywhere, the power may go at
# any moment: what is there and whole is kept, the rest is made anew. Nothing here looks at the clock, for a fresh card has none.

folder=/etc/reverse-tunnel
# What the card brought: key and request (secret), known_hosts, a file for each gateway that has not said yes, units.
seed=$folder/enrolment
key=$folder/id_ed25519
next=$key.new
account=reverse-tunnel
system=/etc/systemd/system

say() { echo "first boot: $*" >&2; }

valid() { [ -s "$1" ] && ssh-keygen -y -P '' -f "$1" >/dev/null 2>&1; }

# Stdin becomes the file, wholly or not at all. MODE, PATH.
replace() {
  cat >"$2.new" && chmod "$1" "$2.new" && sync && mv -f "$2.new" "$2"
}

main() {
  umask 077
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  export PATH
  rm -rf "$folder/done"
  host_keys
  sshd_on
  if [ ! -d "$seed" ]; then
    valid "$key" || { say 'the files that provision wrote to the card are missing'; return 1; }
    rm -f "$folder/first-boot"
    return 0
  fi
  if ! valid "$seed/key" || [ ! -s "$seed/request" ]; then
    say 'the files that provision wrote to the card are incomplete'
    return 1
  fi
  mark=$(cat "$seed/mark")
  has_account || return 1
  own_key || return 1
  pause=2
  while waiting; do
    for file in "$seed"/gateways/*; do
      if at_gateway "${file##*/}" <"$file"; then
        rm -f "$file"
        pause=2
      fi
    done
    waiting || break
    sleep "$pause"
    pause=$((pause * 2 > longest ? longest : pause * 2))
  done
  sync
  mv "$seed" "$folder/done" && sync
  rm -rf "$folder/done"
  rm -f "$folder/first-boot"
}

waiting() { for file in "$seed"/gateways/*; do [ -e "$file" ] && return 0; done; return 1; }

# A cut in a first boot leaves empty host keys behind, with which sshd lets nobody in.
host_keys() {
  # Older images make all host keys anew at some time of their first boot: this must not happen after us.
  systemctl disable --now regenerate_ssh_host_keys.service >/dev/null 2>&1
  before=$(cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null)
  for given in "$seed"/host-keys/ssh_host_*_key; do
    valid "$given" || continue
    cmp -s "$given" "/etc/ssh/${given##*/}" || replace 600 "/etc/ssh/${given##*/}" <"$given"
  done
  for private in /etc/ssh/ssh_host_*_key; do
    [ -e "$private" ] || continue
    if ! valid "$private"; then
      say "$private was damaged, and is made again"
      rm -f "$private" "$private.pub"
    elif [ "$(cut -d ' ' -f 1,2 "$private.pub" 2>/dev/null)" != "$(ssh-keygen -y -P '' -f "$private" | cut -d ' ' -f 1,2)" ]; then
      ssh-keygen -y -P '' -f "$private" | replace 644 "$private.pub"
    fi
  done
  (umask 022 && ssh-keygen -A >/dev/null)
  sync
  [ "$before" = "$(cat /etc/ssh/ssh_host_*_key.pub)" ] ||
    systemctl try-restart --no-block ssh.service sshd.service 2>/dev/null
}

sshd_on() {
  for unit in ssh.service sshd.service; do
    systemctl cat "$unit" >/dev/null 2>&1 || continue
    systemctl enable "$unit" >/dev/null 2>&1
    # Without host keys it has already failed too often: systemd would not start it any more.
    systemctl reset-failed "$unit" 2>/dev/null
    systemctl start --no-block "$unit"
    return
  done
}

# A useradd that was cut short may have made the group alone.
has_account() {
  getent passwd "$account" >/dev/null && return
  if getent group "$account" >/dev/null; then group="--gid $account"; else group=--user-group; fi
  # shellcheck disable=SC2086
  useradd --comment "$mark" --system $group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin --password '*' "$account"
}

# Made here, and nowhere else. It has another name until a gateway has said yes to it.
own_key() {
  valid "$key" && return
  valid "$next" && return
  rm -f "$seed/making" "$seed/making.pub"
  ssh-keygen -q -t ed25519 -N '' -C "$mark" -f "$seed/making" && sync && mv -f "$seed/making" "$next" && sync
}

# A gateway's name, and on stdin how to reach it.
at_gateway() {
  read -r address port login unit || return 1
  longest=30
  answer=$(request | timeout 90 ssh -F none -T -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none \
    -o IdentityFile="$seed/key" -o PreferredAuthentications=publickey -o UserKnownHostsFile="$folder/known_hosts" -o CheckHostIP=no \
    -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o HostKeyAlias="$1" -o ConnectTimeout=15 \
    -o ServerAliveInterval=10 -o LogLevel=ERROR -p "$port" -l "$login" "$address" 2>&1 | tail -n 1)
  case $answer in
    enrolled) ;;
    # sshd counts refused keys against the whole network that they come from.
    *'ermission denied'* | refused*) longest=600 pause=$((pause < 30 ? 30 : pause)); say "$1: $answer"; return 1 ;;
    *) say "$1: ${answer:-no answer}"; return 1 ;;
  esac
  say "$1: enrolled"
  switch && start "$unit"
}

# What was handed in stays the same however often it is.
request() {
  work=$seed/work
  rm -rf "$work"
  mkdir "$work"
  own=$key
  valid "$own" || own=$next
  {
    echo 'provision enrolment 1'
    cat "$seed/request"
    echo "key $(ssh-keygen -y -P '' -f "$own" | cut -d ' ' -f 1,2)"
    for type in ed25519 ecdsa rsa; do
      [ ! -s "/etc/ssh/ssh_host_${type}_key.pub" ] || echo "host-key $(cut -d ' ' -f 1,2 "/etc/ssh/ssh_host_${type}_key.pub")"
    done
  } >"$work/message"
  ssh-keygen -q -Y sign -f "$seed/key" -n provision-enrolment "$work/message" >/dev/null 2>&1
  echo "$(base64 <"$work/message" | tr -d '\n') $(base64 <"$work/message.sig" | tr -d '\n')"
}

credentials() { [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -ge 247 ]; }

switch() {
  if ! valid "$key"; then
    if ! credentials; then chown "$account:" "$next"; fi
    mv -f "$next" "$key" || return 1
  fi
  echo "$(ssh-keygen -y -P '' -f "$key" | cut -d ' ' -f 1,2) $mark" | replace 644 "$key.pub"
}

start() {
  units=$seed/units
  credentials || units=$seed/units-without-credentials
  for one in "$1.service" "$1-check.service"; do
    replace 644 "$system/$one" <"$units/$one" || return 1
    mkdir -p "$system/multi-user.target.wants"
    ln -sfn "$system/$one" "$system/multi-user.target.wants/$one"
  done
  chmod 755 "$system/multi-user.target.wants" "$folder"
  sync
  systemctl daemon-reload
  systemctl start --no-block "$1.service" "$1-check.service"
}

if :; then main </dev/null; fi
