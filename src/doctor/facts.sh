# How both sides tell what they see: a line for each fact, `@fact NAME BASE64`. A tool that is missing is no finding:
# another one tells it, or `missing` tells that nobody does.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL

#   fact NAME COMMAND…
fact() {
  fact=$1
  shift
  echo "@fact $fact $("$@" 2>&1 </dev/null | base64 -w0)"
}

missing() { for tool in getent ip ss ssh ssh-keygen ssh-keyscan sshd; do has "$tool" || echo "$tool"; done; }
has() { command -v "$1" >/dev/null; }

#   timeout -k SECONDS SECONDS COMMAND…
has timeout || timeout() {
  while [ "${1#-}" != "$1" ]; do shift 2; done
  shift
  "$@"
}

# How the last run ended here that wanted to change something, and why.
last_run() {
  newest=0
  for file in /var/lib/provision/history/*/number; do
    number=
    read -r number 2>/dev/null <"$file"
    if [ "${number:-0}" -gt "$newest" ]; then newest=$number folder=${file%/*}; fi
  done
  [ ! -e /var/lib/provision/current/undoing ] || folder=/var/lib/provision/current
  [ -n "${folder-}" ] || return
  if [ -e "$folder/outcome" ]; then cat "$folder/outcome"; else echo undo-failed; fi
  cat "$folder/why" 2>/dev/null
}

unit() { systemctl show "$1" --property=Id,LoadState,ActiveState,SubState,UnitFileState,Result; }

# The unit that runs sshd, or would run it: of a run's last reload, of the site's own, or the usual one; one that is
# active comes first, then one that is enabled.
sshd_unit() {
  named=$(sed -n 's/^@unit //p' /var/lib/provision/sshd-in-force 2>/dev/null)
  starts=$(grep -lsE '^ExecStart=[^ ]*/sshd( |$)' /etc/systemd/system/*.service /run/systemd/system/*.service \
    /usr/lib/systemd/system/*.service /lib/systemd/system/*.service | sed 's#.*/##' | grep -v @)
  for state in is-active is-enabled; do
    for name in $named $starts ssh.service sshd.service ssh.socket; do
      if systemctl --quiet "$state" "$name" 2>/dev/null; then unit "$name" && return; fi
    done
  done
  unit "${named:-ssh.service}"
}

sshd_test() { if sshd -t; then echo valid; fi; }

# SIZE PATH of each host key file. An sshd without any key does not even print its settings.
host_keys() {
  files=$(sshd -T 2>/dev/null | sed -n 's/^hostkey //p')
  for file in ${files:-/etc/ssh/ssh_host_*_key}; do
    echo "$(stat -c %s "$file" 2>/dev/null || echo none) $file"
  done
}
