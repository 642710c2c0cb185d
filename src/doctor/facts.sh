# How both sides tell what they see: a line for each fact, `@fact NAME BASE64`. A tool that is missing is a fact, too.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL

#   fact NAME COMMAND…
fact() {
  fact=$1
  shift
  echo "@fact $fact $("$@" 2>&1 </dev/null | base64 -w0)"
}

unit() { systemctl show "$1" --property=Id,LoadState,ActiveState,SubState,UnitFileState,Result; }

sshd_test() { if sshd -t; then echo valid; fi; }

# SIZE PATH of each host key file. An sshd without any key does not even print its settings.
host_keys() {
  files=$(sshd -T 2>/dev/null | sed -n 's/^hostkey //p')
  for file in ${files:-/etc/ssh/ssh_host_*_key}; do
    echo "$(stat -c %s "$file" 2>/dev/null || echo none) $file"
  done
}
