# shellcheck shell=sh disable=SC2154,SC2016
# What a stolen key could be used for, tried for real: on the device, as root, with the device's own key.
#   sh thief.sh ATTACK…    with what attempt.ts sets: $gateway, $port, $account, …
# Prints `in` once the key was accepted, and the name of every attack that worked: by bytes that came through. The
# forwards stay open, for the gateway to look at what listens there; the next call, or `sh thief.sh` alone, ends them.
set -u
here=/var/attack
wanted=" $* "
base=$((7100 + number * 10))
control=$here/control-$number
log=$here/log-$number
export DISPLAY=:0 SSH_AUTH_SOCK=$here/agent STOLEN=thief
export SSH_ASKPASS=$here/askpass SSH_ASKPASS_REQUIRE=force

wants() {
  for name; do
    case $wanted in *" $name "*) return 0 ;; esac
  done
  return 1
}

# The first line that a port says.
hear() {
  timeout 15 bash -c 'exec 3<>"/dev/tcp/$0/$1" && read -r -t 15 line <&3 && echo "$line"' "$1" "$2" 2>/dev/null
}

# opened ATTACK WHAT-WAS-HEARD WHAT-IT-SHOULD-BE
opened() {
  if [ -n "$2" ] && [ "$2" = "$3" ]; then echo "$1"; fi
}

until_true() {
  tries=600
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      echo "waited in vain: $*" >&2
      return 1
    fi
    sleep 0.05
  done
}

answered() { [ "$(grep -cE 'remote forward (success|failure) for' "$log")" -ge "$1" ]; }
gone() { [ ! -S "$control" ]; }

leave() {
  ssh -S "$control" -O exit any 2>/dev/null
  until_true gone
}

if [ -S "$control" ]; then leave; fi
[ $# -gt 0 ] || exit 0

# One connection asks for all forwards; each is granted or refused by itself.
set -- -R "$own"
remote=1
if wants R-other; then set -- "$@" -R 127.0.0.1:9500:127.0.0.1:7000; fi
if wants R-neighbour; then set -- "$@" -R "127.0.0.1:$neighbour:127.0.0.1:7000"; fi
if wants R-any; then set -- "$@" -R 0.0.0.0:9501:127.0.0.1:7000; fi
if wants R-any6; then set -- "$@" -R '[::]:9502:127.0.0.1:7000'; fi
for folder in tmp run/lock dev/shm; do
  if wants "R-/$folder"; then set -- "$@" -R "/$folder/stolen:127.0.0.1:7000"; fi
done
if wants R-neighbour-socket; then set -- "$@" -R "$socket:127.0.0.1:7000"; fi
for word; do
  [ "$word" != -R ] || remote=$((remote + 1))
done
remote=$((remote - 1))
if wants L-gateway; then set -- "$@" -L "$((base + 1)):127.0.0.1:7000"; fi
if wants L-beyond; then set -- "$@" -L "$((base + 2)):$beyond_address:7000"; fi
if wants L-socket; then set -- "$@" -L "$((base + 3)):/run/hello.sock"; fi
if wants D; then set -- "$@" -D "$((base + 4))"; fi
if wants tun; then set -- "$@" -w "$number:$tun"; fi

# The session before may hold the thief's own port for a moment after its end.
for try in 1 2 3 4 5; do
  rm -f "$log"
  ssh -F $here/config -f -N -M -S "$control" -v -E "$log" -o HostKeyAlias="$gateway" -p "$port" -l "$account" "$@" "$gateway" </dev/null
  [ -S "$control" ] || {
    cat "$log" >&2
    exit 1
  }
  until_true answered "$remote"
  grep -qF "failure for: listen ${own%:127.0.0.1:7000}" "$log" || break
  echo "$port: once more, after try $try" >&2
  leave
done
echo in
if grep -E 'cannot listen to port|Address already in use' "$log" >&2; then exit 1; fi

through() {
  # Where the session is refused ssh would dial once more by itself; a connection of its own proves nothing more.
  timeout 30 "$@" 2>/dev/null </dev/null
}
mux="-F $here/config -o ControlPath=$control -o ProxyCommand=false"

if wants exec tty agent x11 setenv environment rc; then
  # shellcheck disable=SC2086
  said=$(timeout 30 ssh $mux -tt "$gateway" '
    echo "exec=$((6 * 7))"
    case $(tty) in /dev/*) echo tty ;; esac
    ssh-add -l | grep -o stolen-agent
    screen=${DISPLAY#*:}
    if (exec 3<>"/dev/tcp/127.0.0.1/$((6000 + ${screen%.*}))"); then echo x11; fi
    echo "setenv=$STOLEN" "environment=$PLANTED"' 2>&1 </dev/null | tr -d '\r')
  for word in $said; do
    case $word in
      exec=42) wants exec && echo exec ;;
      tty) wants tty && echo tty ;;
      stolen-agent) wants agent && echo agent ;;
      x11) wants x11 && echo x11 ;;
      setenv=thief) wants setenv && echo setenv ;;
      environment=thief) wants environment && echo environment ;;
      rc-ran) wants rc && echo rc ;;
    esac
  done
fi
if wants shell; then
  # shellcheck disable=SC2086
  opened shell "$(echo 'echo $((6 * 7))' | timeout 30 ssh $mux -T "$gateway" 2>/dev/null)" 42
fi
loot=$here/loot-$number
if wants sftp; then
  rm -f "$loot"
  # shellcheck disable=SC2086
  echo "get /etc/hostname $loot" | timeout 30 sftp $mux -q -b - "$gateway" >/dev/null 2>&1
  opened sftp "$(cat "$loot" 2>/dev/null)" "$gateway"
fi
if wants scp; then
  rm -f "$loot"
  # shellcheck disable=SC2086
  through scp -O -q $mux "$gateway:/etc/hostname" "$loot"
  opened scp "$(cat "$loot" 2>/dev/null)" "$gateway"
fi
if wants W; then
  # shellcheck disable=SC2086
  opened W "$(through ssh $mux -W 127.0.0.1:7000 "$gateway")" "$gateway"
fi
if wants L-gateway; then opened L-gateway "$(hear 127.0.0.1 $((base + 1)))" "$gateway"; fi
if wants L-beyond; then opened L-beyond "$(hear 127.0.0.1 $((base + 2)))" "$beyond"; fi
if wants L-socket; then opened L-socket "$(hear 127.0.0.1 $((base + 3)))" "$gateway"; fi
if wants D; then
  # SOCKS 4: connect to port 7000 (27, 88) of 127.0.0.1.
  said=$(timeout 15 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "\4\1\33\130\177\0\0\1\0" >&3 &&
    head -c 8 <&3 >/dev/null && read -r -t 15 line <&3 && echo "$line"' $((base + 4)) 2>/dev/null)
  opened D "$said" "$gateway"
fi
if wants R-any; then opened R-any "$(hear "$gateway" 9501)" "$(hostname)"; fi
if wants R-any6; then opened R-any6 "$(hear "$address6" 9502)" "$(hostname)"; fi
if wants R-published; then opened R-published "$(hear "$gateway" "$published")" "$(hostname)"; fi
if wants tun; then
  until_true grep -q ssh_tun_confirm "$log"
  # When it is refused the thief's own end is gone, too.
  if ip address add "10.$((90 + number)).$tun.2/24" dev "tun$number" 2>/dev/null; then
    ip link set "tun$number" up
    opened tun "$(hear "10.$((90 + number)).$tun.1" 7000)" "$gateway"
  fi
fi

# login ATTACK ACCOUNT SSH-OPTION…: is it let in.
login() {
  name=$1 into=$2
  shift 2
  in=$here/in-$number
  through ssh -F $here/config -f -N -M -S "$in" -o HostKeyAlias="$gateway" -p "$port" "$@" "$into@$gateway"
  # ssh goes to the background when it was let in.
  if [ -S "$in" ]; then
    ssh -S "$in" -O exit any 2>/dev/null
    echo "$name"
  fi
}
if wants other-key; then login other-key "$account" -F $here/other-key; fi
if wants password; then login password "$account" -F $here/password; fi
if wants other-account; then
  for other in $others; do login other-account "$other"; done
fi
