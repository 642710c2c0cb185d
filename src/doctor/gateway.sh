# What the gateway knows of one device's tunnel. Looks, and changes nothing.
#
#   ACCOUNT KEY-FILE DEVICE DIAL-PORT JAIL (PORT SOCKET-UNIT)…        JAIL is - where sshd owns the ports

account=$1 keys=$2 device=$3 dial=$4 jail=$5
shift 5

# Who holds a TCP port: a row of ss for each listener, then a row for each process.
holders() {
  rows=$(ss -Hltnp "sport = :$1")
  printf '%s\n' "$rows"
  for pid in $(printf '%s\n' "$rows" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -un); do
    # The scope or service that it belongs to, for systemctl.
    unit=$(sed -n 's#.*/\([^/]*\.\(service\|scope\|socket\|slice\)\)$#\1#p' "/proc/$pid/cgroup" 2>/dev/null | head -n 1)
    echo "process $pid ${unit:--} $(ps -o user:40=,args= -p "$pid" | tr -s ' ')"
  done
}

# The account, and of its shadow line what can shut it: whether its password is locked, and on which day it expires.
account() {
  getent passwd "$account" || grep "^$account:" /etc/passwd || return
  shadow=$(getent shadow "$account" || grep "^$account:" /etc/shadow)
  case $(echo "$shadow" | cut -d : -f 2) in '!'*) echo locked ;; esac
  echo "expires $(echo "$shadow" | cut -d : -f 8)"
  shell=$({ getent passwd "$account" || grep "^$account:" /etc/passwd; } | cut -d : -f 7)
  [ -x "$shell" ] || echo 'no shell'
}

# What sshd would do for it, effectively.
settings() {
  sshd -T -C "user=$account,host=$device,addr=127.0.0.1" | grep -E '^(authorizedkeysfile|usepam) '
}

rights() { for path; do echo "$(stat -c '%a %U %F' "$path" 2>/dev/null || echo absent) $path"; done; }

key_lines() { if [ "$jail" = - ]; then grep -h " $device\$" "$keys"; else cat "$keys"; fi; }

fingerprints() { key_lines 2>/dev/null | ssh-keygen -lf - 2>/dev/null | grep -o 'SHA256:[^ ]*'; }

fact now date +%s
fact missing missing
fact last-run last_run
fact sshd-unit sshd_unit
fact test sshd_test
fact host-keys host_keys
fact dial holders "$dial"
fact settings settings
fact account account
fact directives directives
fact rights rights "$(dirname "$keys")" "$keys"
fact lines key_lines
fact fingerprints fingerprints
[ "$jail" = - ] || fact jail rights "$jail" "$jail/s"
while [ $# -gt 1 ]; do
  fact "port-$1" holders "$1"
  if [ "$jail" != - ]; then
    fact "socket-$1" unit "$2"
    fact "proxy-$1" unit "${2%.socket}.service"
  fi
  shift 2
done

# The log of sshd: logins with one of these keys, and then all that is about its account or their last address.
# What was said a moment ago may be on its way still.
timeout 5 journalctl -q --sync 2>/dev/null
log=$(journalctl -q --no-pager -o short-unix -t sshd -t sshd-session -t sshd-auth -n 20000 2>/dev/null)
about() { printf '%s\n' "$log" | grep -F "$@" | tail -n 600; }
which=''
for fingerprint in $(fingerprints); do which="$which -e $fingerprint"; done
# shellcheck disable=SC2086
logins=$([ -z "$which" ] || about $which | grep ': Accepted publickey for ' | tail -n 50)
address=$(echo "$logins" | sed -n '$s/.* from \([^ ]*\) port [0-9]* .*/\1/p')
fact logins echo "$logins"
fact log about -e "$account" -e 'Authentication refused' -e 'not in PubkeyAccepted' -e 'drop connection' -e 'axStartups throttling' -e 'Received signal' -e "${address:-none} port "
fact sessions ss -Htn state established
fact end :
