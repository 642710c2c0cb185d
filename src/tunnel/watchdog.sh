# Is this tunnel's ssh alive? Runs beside it, as the account that dials: systemd sees a client that died, but takes one that
# is frozen, or that speaks from an address this host has lost, for healthy. Such a client is killed, and systemd starts the
# next one. A loop and no timer: on a small machine a unit's start costs more than all that is asked here.
#
#   sh check UNIT CONTROL-SOCKET PORT SECONDS

unit=$1 socket=$2 port=$3 seconds=$4

# Its main loop answers here with its number, or it does not turn.
asks() { timeout -s KILL "$1" ssh -F none -o ControlPath="$socket" -O check tunnel 2>&1; }

# The first address that it speaks from and that is not here any more. On a system without ss and ip nothing is seen.
lost() {
  ss -Htne state established "dport = :$port" 2>/dev/null | while read -r _ _ local _ rest; do
    case "$rest " in *" uid:$uid "*) ;; *) continue ;; esac
    address=${local%:*} address=${address#\[} address=${address%\]}
    here=$(ip -oneline address show to "${address%\%*}" 2>/dev/null) || continue
    [ -n "$here" ] || echo "$address"
  done
}

# The first process of the unit, as the kernel tells: neither systemd nor the client is asked, and /proc shows no process of
# another user namespace. Where control groups are of the first version, systemd's have a folder of their own.
main() {
  procs=system.slice/$unit/cgroup.procs
  cat "/sys/fs/cgroup/$procs" "/sys/fs/cgroup/systemd/$procs" 2>/dev/null | head -n 1
}

uid=$(id -u)
client=''
while sleep "$seconds"; do
  if said=$(asks 2); then
    client=${said#*pid=} client=${client%%)*}
    address=$(lost)
    [ -n "$address" ] || continue
    why="it speaks from $address, which this host no longer has"
  elif [ -S "$socket" ]; then
    # The one that answered last; or one that never did, which has to be the same before and after it is asked again.
    if ! kill -0 "$client" 2>/dev/null; then client='' now=$(main); fi
    # Where a host has no second left for it to start ssh, all look frozen.
    timeout 1 ssh -V 2>/dev/null || continue
    if asks 2 >/dev/null || { [ -z "$client" ] && [ "$now" != "$(main)" ]; }; then continue; fi
    # ssh asks nobody while its account is gone, as it is for a moment when this device is cleared through this very tunnel.
    id -un >/dev/null 2>&1 || continue
    client=${client:-$now}
    why='it does not answer on its control socket'
  else
    continue
  fi
  if [ "${client:-0}" -gt 0 ] && kill -KILL "$client" 2>/dev/null; then
    echo "<4>$unit: killed ssh $client: $why" >&2
  fi
done
