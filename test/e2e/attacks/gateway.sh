# shellcheck shell=sh disable=SC2016
# The gateway's side of the attacks: what could be stolen, sshd's of other minds, and a look at who listens. As root.
set -u
here=/var/attack

hear() {
  timeout 15 bash -c 'exec 3<>"/dev/tcp/$0/$1" && read -r -t 15 line <&3 && echo "$line"' "$1" "$2" 2>/dev/null
}
hear_socket() {
  timeout 15 perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => shift) or exit 1; print scalar <$s>' "$1" 2>/dev/null
}

# prepare NUMBER ACCOUNT…: a folder for each to call home, and a tun device that it may use (a process without root may open
# no other). Without these an attack would fail for want of a target.
prepare() {
  number=$1
  shift
  mkdir -p $here/home $here/anybody /dev/net
  chmod 777 $here/anybody
  [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
  chmod 666 /dev/net/tun
  tun=7
  for account; do
    mkdir -p "$here/home/$account/.ssh"
    echo 'echo rc-ran >&2' >"$here/home/$account/.ssh/rc"
    echo 'PLANTED=thief' >"$here/home/$account/.ssh/environment"
    chown -R "$account" "$here/home/$account"
    ip tuntap add dev "tun$tun" mode tun user "$account"
    ip address add "10.$((90 + number)).$tun.1/24" dev "tun$tun"
    ip link set "tun$tun" up
    tun=$((tun + 1))
  done
}

# other_sshd NAME PORT OPTION…: sshd with the files of $here/NAME in place of /etc/…, seen by it and its sessions alone.
other_sshd() {
  name=$1 port=$2
  shift 2
  unshare --mount --propagation private sh -c '
    state=$1
    shift
    for path in ssh passwd shadow; do
      if [ -e "$state/$path" ]; then mount --bind "$state/$path" "/etc/$path"; fi
    done
    if [ -e "$state/neighbour" ]; then mount --bind /var/attack/anybody "$(cat "$state/neighbour")"; fi
    if [ -e "$state/keys-of-other" ]; then mount --bind "$state/keys-of-other" "$(cat "$state/other")"; fi
    sshd -t && exec "$(command -v sshd)" "$@"
  ' sh "$here/$name" -p "$port" -o PidFile=none -o MaxStartups=100 "$@"
}

# look OWN-PORT NEIGHBOUR-PORT NEIGHBOUR-SOCKET THIEF ATTACK…: prints the attacks by which the thief listens here.
look() {
  own=$1 neighbour=$2 socket=$3 thief=$4
  shift 4
  for attack; do
    case $attack in
      own) heard=$(hear 127.0.0.1 "$own") ;;
      R-other) heard=$(hear 127.0.0.1 9500) ;;
      R-neighbour) heard=$(hear 127.0.0.1 "$neighbour") ;;
      R-/*)
        heard=$(hear_socket "${attack#R-}/stolen")
        rm -f "${attack#R-}/stolen"
        ;;
      R-neighbour-socket)
        heard=$(hear_socket "$socket" || hear_socket "$here/anybody/${socket##*/}")
        rm -f "$socket" "$here/anybody/${socket##*/}"
        ;;
      *) continue ;;
    esac
    if [ "$heard" = "$thief" ]; then echo "$attack"; fi
  done
}

"$@"
