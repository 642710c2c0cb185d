# On the device: the gateway's host key, the unit of the tunnel. It is up when this has ended.
set -eu
printf '%s %s\n' "$gateway" "$host_key" >/etc/reverse-tunnel/known_hosts
cat >/etc/systemd/system/reverse-tunnel.service <<END
[Unit]
After=network-online.target
[Service]
Type=forking
User=reverse-tunnel
ExecStart=/usr/bin/ssh -F none -f -N -i /etc/reverse-tunnel/id_ed25519 -o UserKnownHostsFile=/etc/reverse-tunnel/known_hosts -o StrictHostKeyChecking=yes -o BatchMode=yes -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -R 127.0.0.1:$port:localhost:22 tunnel@$gateway
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
END
systemd-analyze verify --man=no /etc/systemd/system/reverse-tunnel.service
systemctl daemon-reload
systemctl enable --quiet reverse-tunnel.service
systemctl start reverse-tunnel.service
