# shellcheck shell=sh
# What a key must not be able to do on another host, tried for real, by the host that has the key, with nothing but OpenSSH's
# own client. As root. There is one login, and everything goes through it; it ends with this, and in a minute at the latest.
#
#   ( attempts WHICH GATEWAY ADDRESS PORT ACCOUNT KEY KNOWN-HOSTS TOKEN [NUMBER KIND WHERE]… )
#
# Prints `@login WHICH` once the key was accepted, else with ssh's words why it was not; and then for every attempt
# `@attempt NUMBER refused`, or `works` or `untried` with a sentence. Only what sshd said no to is refused.
attempts() {
  which=$1 gateway=$2 address=$3 port=$4 account=$5 key=$6 known=$7 token=$8
  shift 8
  master='' agent='' number=0 near=$((20000 + ($$ + which * 100) % 12000))
  # The reader may be gone: what was begun is removed all the same.
  trap '' PIPE
  umask 077
  folder=/run/provision-attempts-$token-$which
  mkdir "$folder" || exit 1
  control=$folder/control log=$folder/log
  trap leave EXIT
  trap 'exit 1' HUP INT TERM
  DISPLAY=:0 SSH_AUTH_SOCK=$folder/agent
  export DISPLAY SSH_AUTH_SOCK

  log_in "$@"
  while [ $# -ge 3 ]; do
    number=$1 kind=$2 where=$3
    shift 3
    "try_$kind" "$where"
  done
}

leave() {
  trap - EXIT
  # shellcheck disable=SC2086
  kill $master $agent 2>/dev/null
  wait
  rm -rf "$folder"
}

log_in() {
  cat >"$folder/config" <<END
HostName $address
Port $port
User $account
HostKeyAlias $gateway
IdentityFile "$key"
UserKnownHostsFile "$known"
CheckHostIP no
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
UpdateHostKeys no
IdentitiesOnly yes
PreferredAuthentications publickey
BatchMode yes
ConnectTimeout 8
ServerAliveInterval 3
ServerAliveCountMax 2
ControlPath $control
ForwardAgent yes
ForwardX11 yes
ForwardX11Trusted yes
XAuthLocation $folder/no-xauth
END
  if command -v ssh-agent >/dev/null; then
    timeout 60 ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 2>&1 &
    agent=$!
    patiently 20 [ -S "$SSH_AUTH_SOCK" ]
  fi
  case " $* " in *' tun '*) tun='-w any:0' ;; *) tun='' ;; esac
  module=$(ls -d /sys/class/misc/tun 2>/dev/null)
  # shellcheck disable=SC2086
  timeout 60 ssh -F "$folder/config" -vv -E "$log" -N -M $tun "$gateway" </dev/null >/dev/null 2>&1 &
  master=$!
  patiently 100 is_in_or_gone
  if is_in; then
    echo "@login $which"
  else
    echo "@login $which $(grep -v '^debug' "$log" 2>/dev/null | tail -n 1 | grep . || echo 'no answer within 10 s')"
    exit 0
  fi
}

lives() { kill -0 "$master" 2>/dev/null; }
is_in() { [ -S "$control" ] && grep -q '^Authenticated to ' "$log"; }
is_in_or_gone() { is_in || ! lives; }

# patiently TENTHS CONDITION…
patiently() {
  tries=$1
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

works() { echo "@attempt $number works $1"; }
untried() { echo "@attempt $number untried $1"; }
refused() { if lives; then echo "@attempt $number refused"; else untried 'the connection was lost'; fi; }

# Through the one login; without it nothing is dialled.
through() {
  mark=$(wc -l <"$log")
  timeout 5 ssh -F "$folder/config" -o ProxyCommand=false "$@" >"$folder/out" 2>"$folder/err"
  code=$?
}
since() { tail -n "+$((mark + 1))" "$log" | grep -q "$1"; }

# answers WHAT PATTERN SSH-WORDS…: a line like this has to come from the far side.
answers() {
  what=$1 pattern=$2
  shift 2
  through "$@"
  if tr -d '\r' <"$folder/out" | grep -qx "$pattern"; then works "$what"; else settle; fi
}
# Refused is what sshd would not open, and what it opened and ended with something else than we asked for.
settle() {
  if [ "$code" -eq 124 ]; then untried 'no answer within 5 s'
  elif [ "$code" -ne 255 ] || grep -q 'refused by peer\|request failed' "$folder/err"; then refused
  else untried "ssh said: $(tail -n 1 "$folder/err")"; fi
}

# shellcheck disable=SC2016
try_shell() { echo 'echo shell=$((6 * 7))' | answers 'a shell ran what it was told' shell=42 -T "$gateway"; }
# shellcheck disable=SC2016
try_command() { answers 'a command ran' command=42 -T "$gateway" 'echo command=$((6 * 7))' </dev/null; }
try_terminal() { answers 'a command ran in a terminal' '/dev/.*' -tt "$gateway" tty </dev/null; }
# shellcheck disable=SC2016
try_agent() {
  if [ ! -S "$SSH_AUTH_SOCK" ]; then untried 'there is no ssh-agent here'; else
    answers 'sshd opened a socket to the agent' agent=42 -T "$gateway" '[ -S "$SSH_AUTH_SOCK" ] && echo agent=$((6 * 7))' </dev/null
  fi
}
# shellcheck disable=SC2016
try_x11() { answers 'sshd opened a display' x11=42 -T "$gateway" '[ -n "$DISPLAY" ] && echo x11=$((6 * 7))' </dev/null; }

# The first packet of both sides: SSH_FXP_INIT is answered by SSH_FXP_VERSION, which is 2. A server that finds no more to read
# ends before it has answered.
try_sftp() {
  mkfifo "$folder/in"
  : >"$folder/out"
  { printf '\000\000\000\005\001\000\000\000\003'; patiently 40 [ -s "$folder/out" ]; } >"$folder/in" &
  writer=$!
  through -s "$gateway" sftp <"$folder/in"
  kill "$writer" 2>/dev/null
  case $(od -An -tx1 -N5 "$folder/out") in *' 02') works 'an sftp server answered' ;; *) settle ;; esac
}

# locally WORD REST: ssh -L or -D from a free port of this host, which then is $near.
locally() {
  for try in 1 2 3 4 5; do
    near=$((near + try))
    through -O forward "$1" "127.0.0.1:$near$2" "$gateway"
    [ "$code" -ne 0 ] || return 0
  done
  untried "no port of this host could be used: $(tail -n 1 "$folder/err")"
  return 1
}

try_connect() {
  locally -L ":$1" || return 0
  mark=$(wc -l <"$log")
  timeout 5 ssh-keyscan -t ed25519 -T 3 -p "$near" 127.0.0.1 >"$folder/out" 2>&1
  case $1 in /*) opened path ;; *) opened port ;; esac
}

# SOCKS 4: connect to port 22 of 127.0.0.1.
try_socks() {
  if ! command -v bash >/dev/null; then untried 'there is no bash here to speak SOCKS; -L asks sshd for the same'; else
    locally -D '' || return 0
    mark=$(wc -l <"$log")
    # shellcheck disable=SC2016
    timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "\4\1\0\26\177\0\0\1\0" >&3 && head -c 16 <&3' \
      "$near" >"$folder/out" 2>/dev/null
    opened port
  fi
}

# What became of the channel that was asked for. Of a unix socket sshd does not say whether it may not or cannot.
opened() {
  if grep -aq SSH-2.0 "$folder/out"; then works 'the connection came through'
  elif since 'open confirm'; then works 'sshd connected'
  elif since 'administratively prohibited'; then refused
  elif ! since 'open failed'; then untried 'sshd did not say whether this is allowed'
  elif [ "$1" = path ]; then refused
  else works 'this is allowed: sshd tried to connect, and nothing answered'; fi
}

# sshd says so when it may not; when it may and cannot, it says nothing.
may_not() { since 'Remote: port forwarding refused\|Remote: Server has disabled'; }

# ADDRESS:PORT, or a folder for a socket of our own.
try_listen() {
  case $1 in /*) place=$1/provision-$token ;; *) place=$1 ;; esac
  through -O forward -R "$place:localhost:22" "$gateway"
  if [ "$code" -eq 0 ]; then works "sshd listened at $place"
  elif may_not; then refused
  elif ! since 'failure for: listen'; then untried "ssh said: $(tail -n 1 "$folder/err")"
  else case $1 in /*) refused ;; *) works 'this is allowed: it failed only because the port is in use now' ;; esac; fi
}

try_listen_for_all() {
  through -O forward -R "$1:localhost:22" "$gateway"
  if [ "$code" -eq 0 ] && is_reached "$(tr -dc 0-9 <"$folder/out")"; then works 'other machines reached the port'
  elif [ "$code" -eq 0 ]; then untried 'sshd listened, but could not be reached from here: because of its GatewayPorts, or of a firewall'
  elif may_not; then refused
  else untried "sshd could not listen: $(tail -n 1 "$folder/err")"; fi
}

try_reached() { if is_reached "$1"; then works 'this host reached itself through the port'; else refused; fi; }

# Does this very host answer at that port of the gateway, seen from outside.
is_reached() {
  timeout 5 ssh-keyscan -T 3 -p "$1" "$address" 2>/dev/null | cut -d ' ' -f 2,3 | grep . >"$folder/keys" &&
    cat /etc/ssh/ssh_host_*_key.pub | grep -qF -f "$folder/keys"
}

try_tun() {
  patiently 30 grep -q 'Tunnel device open failed\|Tunnel forwarding failed\|tunnel forward established' "$log"
  if grep -q 'Tunnel forwarding failed' "$log"; then refused
  elif grep -q 'tunnel forward established' "$log"; then works 'sshd opened a network device'
  elif grep -q 'Tunnel device open failed' "$log"; then untried 'this host has no tun device'
  else untried 'no answer within 3 s'; fi
  # It was loaded for this.
  [ -n "$module" ] || modprobe -r tun 2>/dev/null || :
}
