# On either: all that the others have made, as it is now.
getent passwd user002 reverse-tunnel tunnel
cd / && sha256sum home/user002/.ssh/authorized_keys etc/reverse-tunnel/* etc/ssh/reverse-tunnel/* \
  etc/ssh/sshd_config.d/00-reverse-tunnel.conf etc/systemd/system/reverse-tunnel.service 2>/dev/null
sshd -t && sshd -T -C user=tunnel,host=localhost,addr=127.0.0.1 | sha256sum
systemctl is-enabled reverse-tunnel.service
systemctl is-active reverse-tunnel.service
true
