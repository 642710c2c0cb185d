# How both sides tell what they see: a line for each fact, `@fact NAME BASE64`. A tool that is missing is a fact, too.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL

#   fact NAME COMMAND…
fact() {
  fact=$1
  shift
  echo "@fact $fact $("$@" 2>&1 </dev/null | base64 -w0)"
}

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

unit() { systemctl show "$1" --property=Id,LoadState,ActiveState,SubState,UnitFileState,MainPID,Result,ExecMainStatus,StateChangeTimestamp; }

sshd_units() {
  for name in ssh.service sshd.service ssh.socket; do
    [ "$(systemctl show "$name" --property=LoadState --value)" = loaded ] || continue
    unit "$name"
    pid=$(systemctl show "$name" --property=MainPID --value)
    [ "${pid:-0}" = 0 ] || echo "Stat=$(ps -o stat= -p "$pid")"
    echo
  done
}

sshd_test() { if sshd -t; then echo valid; fi; }

# SIZE PATH of each host key file. An sshd without any key does not even print its settings.
host_keys() {
  files=$(sshd -T 2>/dev/null | sed -n 's/^hostkey //p')
  for file in ${files:-/etc/ssh/ssh_host_*_key}; do
    echo "$(stat -c %s "$file" 2>/dev/null || echo none) $file"
  done
}
