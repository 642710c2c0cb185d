# Waits until sshd tells of a tunnel's session that begins or ends, or until the time is over; then prints the journal's place, from which
# the next wait goes on: nothing that happens in between is missed. Run before gateway.sh; read by src/status/gateway-facts.ts.
#
#   $1   the place where the last wait ended; empty: do not wait
#   $2   seconds at most
#   $3   how the accounts of tunnels begin

place=$1 seconds=$2 accounts=$3
if [ -n "$place" ]; then
  # Everything below timeout is a process group of its own, which the first line ends. Without -m only this boot's lines would be
  # followed, and which boot that is a unit with a sandbox cannot see in a container with systemd 252.
  # shellcheck disable=SC2016
  timeout "$seconds" sh -c 'journalctl -q --no-pager -m -f -n all -o cat --after-cursor="$1" -t sshd -t sshd-session -g "(for|user) $2" |
    { read -r _ && kill 0; }' sh "$place" "$accounts" >/dev/null 2>&1
  case $? in
    124) ;; # The time was over.
    143 | 137) sleep 1 ;; # What happens at once is told at once.
    *) sleep "$seconds" ;; # There is no journal that could be followed.
  esac
fi
journalctl -q --no-pager -n 0 --show-cursor 2>/dev/null | sed -n 's/^-- cursor: /place /p'
:
