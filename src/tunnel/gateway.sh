# What a gateway knows of the tunnels that end on it, in one look: it prints, and changes nothing. Read by src/status/gateway-facts.ts.
#
#   $1 …   ACCOUNT=PLACE: whose session should listen where, PLACE being a unix socket in its jail or ADDRESS:PORT

LC_ALL=C
export LC_ALL

read -r up _ </proc/uptime && echo "uptime $up"
echo "ticks $(getconf CLK_TCK 2>/dev/null || echo 100)"

ports='' units=''
for each in "$@"; do
  place=${each#*=}
  ports="$ports or sport = :${place##*[_:]}"
  case $place in /s/*) units="$units reverse-tunnel-${place#/s/}.socket" ;; esac
done

listeners=$(
  ss -Hltnp "${ports# or }" 2>/dev/null
  ss -Hlxnp 2>/dev/null | grep ' /s/'
)
printf '%s\n' "$listeners" | sed -n 's/^./listener &/p'

# Who holds them, since when: field 22 of stat, in ticks since the boot (proc(5)).
# PID 1 tells when this system began, also where it is a container.
pids=$(printf '%s\n' "$listeners" | grep -o 'pid=[0-9]*' | sort -u)
for pid in pid=1 $pids; do
  { read -r stat <"/proc/${pid#pid=}/stat"; } 2>/dev/null || continue
  read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ start _ <<END
${stat##*) }
END
  echo "process ${pid#pid=} $start"
done
ss -HtnpiO state established 2>/dev/null | grep '"sshd' | sed 's/^/connection /'

if [ -n "$units" ]; then
  # shellcheck disable=SC2086
  systemctl show -p Id -p LoadState -p ActiveState -p StateChangeTimestampMonotonic $units 2>/dev/null | sed 's/^/unit /'
fi

# Of those that are not there: how their last sessions began and ended; a goodbye has no name in it. Their keys, where devices share an account.
gone=''
for each in "$@"; do
  case "$listeners" in *" ${each#*=} "*) ;; *) gone="$gone|${each%%=*}" ;; esac
done
if [ -n "$gone" ]; then
  date '+now %s'
  timeout 5 journalctl -q --no-pager -o short-unix -r -n 3000 -t sshd -t sshd-session \
    -g "(for|user) (${gone#|})( |\(|\$)|^Received disconnect from .*:11: disconnected by user\$" 2>/dev/null | sed 's/^/journal /'
  if [ -r /etc/ssh/reverse-tunnel/authorized_keys ]; then
    ssh-keygen -lf /etc/ssh/reverse-tunnel/authorized_keys 2>/dev/null | sed 's/^/key /'
  fi
fi
:
