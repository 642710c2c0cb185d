# What a device knows of its tunnel to one gateway, and what it is told when it tries. The tunnel itself is left alone.
#
#   ADDRESS PORT NAME ACCOUNT KEY KNOWN-HOSTS UNIT CHECK-UNIT CONTROL-SOCKET TRIES (SSHD-HOST SSHD-PORT)…
#
# TRIES is no where it has tried a moment ago. Of the targets of its forwards only those that are an sshd: another program might take a greeting for work to do.

address=$1 port=$2 name=$3 account=$4 key=$5 known=$6 unit=$7 check=$8 control=$9
shift 9
tries=$1
shift

routes() {
  getent ahosts "$address" | cut -d ' ' -f 1 | sort -u | while read -r each; do
    echo "$each $(ip -oneline route get "$each" 2>&1 | tr -s ' ')"
  done
}

# A login of its own beside the tunnel, that asks for no forward: sshd takes the key or not, and opens no session for it.
try() {
  timeout -k 1 20 ssh -v -F none -T -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none -o IdentityFile="$key" \
    -o PreferredAuthentications=publickey -o UserKnownHostsFile="$known" -o GlobalKnownHostsFile=/dev/null -o CheckHostIP=no \
    -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o HostKeyAlias="$name" -o ControlMaster=no -o ControlPath=none \
    -o ConnectTimeout=6 -o ConnectionAttempts=1 -p "$port" -l "$account" "$address" :
}

own_key() {
  stat -c '%a %U %s' "$key" || return
  ssh-keygen -y -P '' -f "$key" | cut -d ' ' -f 1,2
}

trusted() { grep -F "$name " "$known" | cut -d ' ' -f 2,3; }

alive() { timeout -k 1 3 ssh -F none -o ControlPath="$control" -O check tunnel; }

listens() { sshd -T 2>/dev/null | grep '^listenaddress '; }

# What the sshd behind a forward says: its greeting, and a host key that it proves. One connection where it has ed25519.
# ssh takes the first address that answers, ssh-keyscan only the first one.
target() {
  found=$(getent ahosts "$1" | cut -d ' ' -f 1 | sort -u)
  if [ -z "$found" ] && has getent; then
    echo 'no address'
    return
  fi
  for each in ${found:-$1}; do
    said=$(ssh-keyscan -T 4 -t ed25519 -p "$2" "$each" 2>&1)
    printf '%s\n' "$said"
    case $said in
      *' ssh-ed25519 '*) return ;;
      *SSH-*) ssh-keyscan -T 4 -t ecdsa,rsa -p "$2" "$each" && return ;;
    esac
  done
}

fact now date +%s
fact missing missing
fact last-run last_run
fact resolve getent ahosts "$address"
fact routes routes
fact key own_key
fact trusted trusted
[ "$tries" = no ] || fact try try
fact unit unit "$unit"
fact check unit "$check"
fact alive alive
fact journal journalctl -q --no-pager -o short-unix -u "$unit" -n 60
fact clock timedatectl show --property=NTP,NTPSynchronized
fact sshd-unit sshd_unit
fact sshd-test sshd_test
fact host-keys host_keys
fact sshd-listens listens
fact directives directives
while [ $# -gt 1 ]; do
  fact "target-$2" target "$1" "$2"
  shift 2
done
fact end :
