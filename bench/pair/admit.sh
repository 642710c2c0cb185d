# On the gateway: a person's account, the account of the tunnel, its key, what sshd allows it. Prints the host key.
set -eu
id -u user002 >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --password '*' user002
install -d -m 700 -o user002 -g user002 /home/user002/.ssh
printf '%s\n' "$key" >/home/user002/.ssh/authorized_keys
id -u tunnel >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin --password '*' tunnel
mkdir -p /etc/ssh/reverse-tunnel
printf 'restrict,port-forwarding,permitlisten="127.0.0.1:%s" %s\n' "$port" "$public" >/etc/ssh/reverse-tunnel/authorized_keys
cat >/etc/ssh/sshd_config.d/00-reverse-tunnel.conf <<'END'
Match User tunnel
    AuthenticationMethods publickey
    AuthorizedKeysFile /etc/ssh/reverse-tunnel/authorized_keys
    AllowTcpForwarding remote
    AllowStreamLocalForwarding no
    AllowAgentForwarding no
    X11Forwarding no
    PermitTunnel no
    PermitOpen none
    PermitTTY no
    ForceCommand /usr/sbin/nologin
    MaxSessions 0
    GatewayPorts no
    ClientAliveInterval 15
    ClientAliveCountMax 3
END
sshd -t
systemctl reload ssh
cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub
