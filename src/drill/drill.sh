# shellcheck shell=sh disable=SC2154
# What `provision drill` has a host do to itself. It is done by a unit of systemd's own, so that it ends by itself whoever
# watches; a timer puts everything back should even that unit fail; and nothing of it outlives a reboot. As root.
#
#   sh drill.sh begin | act | ends | restore | end      with the words of $folder/words: what, for how long, and on what
folder=/run/provision-drill
# shellcheck disable=SC1091
. "$folder/words"

say() {
  echo "$1" >"$folder/why"
  return 1
}
now() { tr -d . </proc/uptime | cut -d ' ' -f 1; }
struck() { now >"$folder/struck"; }
is_active() { systemctl is-active --quiet "$1"; }

# Arms the timer first, then lets it happen; says `@struck` with the hundredths of a second that this took.
begin() {
  began=$(now)
  if ! "may_$fault"; then
    cat "$folder/why" >&2
    rm -rf "$folder"
    exit 1
  fi
  if ! arm; then
    echo 'the timer that restores everything could not be started, so nothing was done' >&2
    restore
    exit 1
  fi
  tries=150
  until [ -s "$folder/struck" ] || [ "$tries" -le 0 ] || [ -s "$folder/why" ]; do
    tries=$((tries - 1))
    sleep 0.1
  done
  if [ -s "$folder/struck" ]; then
    echo "@struck $(($(cat "$folder/struck") - began))"
  else
    grep . "$folder/why" >&2 2>/dev/null || echo 'the fault did not take effect, see journalctl -u provision-drill' >&2
    restore
    exit 1
  fi
}

arm() {
  systemd-run --quiet --collect --unit=provision-drill-restore --on-active="$restore" \
    --timer-property=AccuracySec=500ms /bin/sh "$folder/drill.sh" restore || return
  is_active provision-drill-restore.timer || return
  systemd-run --quiet --collect --unit=provision-drill --property=RuntimeMaxSec="$((seconds + 30))" \
    --property="ExecStopPost=/bin/sh $folder/drill.sh ends" /bin/sh "$folder/drill.sh" act
}

act() { "act_$fault" && : >"$folder/done" && sleep "$seconds"; }
# What carries the answer may be what is going to break.
in_a_second() {
  struck
  sleep 1
}
ends() { "ends_$fault"; }

# Everything that has to be there: after the drill, or when nobody came back to end it.
restore() {
  ends
  systemctl stop provision-drill provision-drill-restore.timer 2>/dev/null
  "restore_$fault"
  rm -rf "$folder"
}

# Says whether it had happened at all.
end() {
  if [ -e "$folder/done" ]; then echo '@happened'; else cat "$folder/why" >&2 2>/dev/null; fi
  restore
}

# The ssh that dials: what the unit runs, or what its supervisor runs.
client() {
  main=$(systemctl show --property=MainPID "$unit" | cut -d = -f 2)
  for pid in "$main" $(grep -ls "^PPid:[[:space:]]*$main\$" /proc/[0-9]*/status | cut -d / -f 3); do
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = ssh ]; then
      echo "$pid"
      return
    fi
  done
  say "$unit runs no ssh client"
}

may_kill() { client >"$folder/client"; }
act_kill() { in_a_second && kill -KILL "$(cat "$folder/client")"; }
ends_kill() { :; }
restore_kill() { is_active "$unit" || systemctl start --no-block "$unit"; }

may_freeze() { may_kill; }
act_freeze() { in_a_second && kill -STOP "$(cat "$folder/client")"; }
ends_freeze() { :; }
restore_freeze() {
  frozen=$(cat "$folder/client")
  if [ "$(cat "/proc/$frozen/comm" 2>/dev/null)" = ssh ]; then kill -CONT "$frozen"; fi
  restore_kill
}

# Packets vanish as on a cut cable; without nft nothing finds its way out. No link and no address is touched.
may_network() { command -v nft >/dev/null || command -v ip >/dev/null || say 'neither nft nor ip is installed on this host'; }
act_network() {
  in_a_second
  nft -f - <<END || { ip rule add priority 1 blackhole && { ip -6 rule add priority 1 blackhole || :; }; } || say 'the packets of this host could not be stopped'
table inet provision_drill {
  chain incoming { type filter hook input priority -300; iifname != "lo" drop; }
  chain outgoing { type filter hook output priority -300; oifname != "lo" drop; }
}
END
}
ends_network() {
  if command -v nft >/dev/null; then nft delete table inet provision_drill 2>/dev/null; fi
  if command -v ip >/dev/null; then
    ip rule del priority 1 blackhole 2>/dev/null
    ip -6 rule del priority 1 blackhole 2>/dev/null
  fi
  :
}
restore_network() { :; }

# The one that a run had reload last, which may be of the site's own, or the usual one.
sshd_unit() {
  for name in $(sed -n 's/^@unit //p' /var/lib/provision/sshd-in-force 2>/dev/null) ssh.service sshd.service; do
    if is_active "$name"; then
      echo "$name"
      return
    fi
  done
  say 'sshd is run by no unit that is known: neither ssh.service nor sshd.service is running'
}
may_sshd() {
  sshd_unit >"$folder/sshd" || return
  sshd -t 2>"$folder/why" || return
  # What it says is held against what sshd read at our last reload, for the clock may have been behind at boot.
  find /etc/ssh/sshd_config /etc/ssh/sshd_config.d -type f -cnewer /run/sshd.pid 2>/dev/null >"$folder/newer"
  while IFS= read -r file; do
    says=$(grep -HvE '^[[:space:]]*(#|$)' "$file")
    [ "$says" = "$(grep -sF "$file:" /var/lib/provision/sshd-in-force)" ] || {
      say "$file was changed and sshd has not read it since: a restart would put that change into force"
      return
    }
  done <"$folder/newer"
}
act_sshd() { systemctl restart "$(cat "$folder/sshd")" && struck; }
ends_sshd() { :; }
restore_sshd() { is_active "$(cat "$folder/sshd")" || systemctl start "$(cat "$folder/sshd")"; }

may_port() { :; }
act_port() {
  # shellcheck disable=SC2086
  if [ -n "$listener_units" ]; then systemctl stop $listener_units; fi
  for try in $(seq 1 60); do
    # shellcheck disable=SC2046
    if [ -z "$listener_units" ]; then kill -KILL $(ss -Hltnp "sport = :$port" | grep '"sshd' | grep -o 'pid=[0-9]*' | cut -d = -f 2) 2>/dev/null; fi
    systemd-run --quiet --collect --unit="provision-drill-stranger$try" --socket-property=ListenStream="$listen" \
      /bin/sleep 3600 2>/dev/null && break
    sleep 0.05
  done
  systemctl list-units --plain --no-legend 'provision-drill-stranger*.socket' | grep -q listening || say "$listen could not be taken" || return
  struck
  # shellcheck disable=SC2086
  if [ -n "$listener_units" ]; then systemctl start --no-block ${listener_units%% *}; fi
}
ends_port() { systemctl stop 'provision-drill-stranger*' 2>/dev/null || :; }
restore_port() {
  if [ -n "$listener_units" ]; then is_active "${listener_units%% *}" || systemctl start --no-block "${listener_units%% *}"; fi
}

"$1"
