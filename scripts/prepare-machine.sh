#!/bin/sh
# Installs what the lab needs on this Debian machine and lacks; with --tests, what the tests need too; with --arm64, what
# they need to emulate a Pi. Says so in one line on stderr. Nothing that it installs is started, now or at the next boot.
#
#   sh scripts/prepare-machine.sh [--tests | --arm64]
set -eu

# mmdebstrap names its helpers and Debian's keys as recommendations only, and those are left out below.
lab='systemd-container mmdebstrap debian-archive-keyring gpg mount openssh-client nftables iproute2 procps util-linux bash'
tests='openssh-server shellcheck dash ethtool ssh-audit libxml2-utils chromium mtools dosfstools fdisk parted dnsmasq-base busybox cloud-init ansible-core zsh fish mandoc man-db'
# A whole card boots in a machine that is emulated.
tests="$tests e2fsprogs xz-utils $(if [ "$(uname -m)" = aarch64 ]; then echo qemu-system-arm; else echo qemu-system-x86; fi)"
arm64='qemu-system-arm qemu-user-static arch-test'

say() { echo "prepare: $*" >&2; }
fail() {
  say "error: $1"
  say "hint: $2"
  exit 1
}

case "$#${1-}" in
  0) wanted=$lab ;;
  1--tests) wanted="$lab $tests" ;;
  1--arm64) wanted="$lab $tests $arm64" ;;
  *) fail "unknown words: $*" 'sh scripts/prepare-machine.sh [--tests | --arm64]' ;;
esac

missing=''
if command -v dpkg-query >/dev/null; then
  for package in $wanted; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || status=''
    [ "$status" = installed ] || missing="$missing $package"
  done
  [ -n "$missing" ] || exit 0
else
  fail 'this is not Debian: there is no dpkg' "install these with this machine's own package tool: $wanted"
fi
command -v apt-get >/dev/null || fail "lacking$missing, and there is no apt-get" 'install them by hand'
[ "$(id -u)" = 0 ] || fail "lacking$missing" "as root: apt-get install$missing"

say "installing$missing"

# Debian starts a daemon as soon as its package is there. The answer 101 of this file means: not now (see invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
clean_up() {
  rm -f "$log"
  if [ -n "${made_policy-}" ]; then rm -f "$policy"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
if [ ! -e "$policy" ]; then
  made_policy=yes
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

# cloud-init would take this machine for a new one at the next boot. The tests ask it about seeds, and no more.
case "$missing " in
  *' cloud-init '*)
    mkdir -p /etc/cloud
    [ -e /etc/cloud/cloud-init.disabled ] || echo 'cloud-init is here for tests of provision only' >/etc/cloud/cloud-init.disabled
    say 'cloud-init is there for the tests only: it is switched off (/etc/cloud/cloud-init.disabled)'
    ;;
esac

apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 </dev/null; }
# shellcheck disable=SC2086
install_all() { apt install --yes --no-install-recommends $missing; }

if ! install_all && ! { apt update && install_all; }; then
  cat "$log" >&2
  fail "apt-get could not install$missing" 'its own words stand above'
fi

# A sshd that only the tests asked for is not to greet the network after the next boot.
case "$missing " in
  *' openssh-server '*)
    if command -v systemctl >/dev/null; then
      systemctl --quiet disable ssh.service ssh.socket >/dev/null 2>&1 || :
    elif command -v update-rc.d >/dev/null; then
      update-rc.d ssh disable >/dev/null 2>&1 || :
    fi
    say 'openssh-server is there for the tests only: it was not started, and is disabled (systemctl enable --now ssh)'
    ;;
esac
