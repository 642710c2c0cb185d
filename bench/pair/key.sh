# On the device: a person's account, the account that dials, and its key. Prints the public half.
set -eu
id -u user002 >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --password '*' user002
install -d -m 700 -o user002 -g user002 /home/user002/.ssh
printf '%s\n' "$key" >/home/user002/.ssh/authorized_keys
id -u reverse-tunnel >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin --password '*' reverse-tunnel
mkdir -p /etc/reverse-tunnel
[ -s /etc/reverse-tunnel/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -C reverse-tunnel -f /etc/reverse-tunnel/id_ed25519
chown reverse-tunnel: /etc/reverse-tunnel/id_ed25519
cat /etc/reverse-tunnel/id_ed25519.pub
