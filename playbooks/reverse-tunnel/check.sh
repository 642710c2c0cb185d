# Is this tunnel's ssh alive? Run every few seconds by a timer, as the account that dials: systemd sees a client that died,
# but takes one that is frozen, or that speaks from an address this host has lost, for healthy. Such a client is killed, and
# systemd starts the next one.
#
#   sh check UNIT CONTROL-SOCKET PORT SECONDS

unit=$1 socket=$2 port=$3 patience=$4

pid=$(systemctl show --property=MainPID --value "$unit")
[ "${pid:-0}" -gt 0 ] || exit 0

# Its main loop answers here, or it does not turn.
if ! timeout --signal=KILL "$patience" ssh -F none -o ControlPath="$socket" -O check tunnel 2>/dev/null; then
  why='it does not answer on its control socket'
fi

# autossh's child, or a system without ss and ip: nothing is seen, and nothing is wrong.
for local in $(ss -Htne state established "dport = :$port" 2>/dev/null | grep -w "uid:$(id -u)" | tr -s ' ' | cut -d ' ' -f 3); do
  address=$(printf %s "${local%:*}" | tr -d '[]')
  if here=$(ip -oneline address show to "${address%\%*}" 2>/dev/null) && [ -z "$here" ]; then
    why="it speaks from $address, which this host no longer has"
  fi
done

[ -n "${why-}" ] || exit 0
echo "<4>$unit: killing ssh $pid: $why" >&2
kill -KILL "$pid"
