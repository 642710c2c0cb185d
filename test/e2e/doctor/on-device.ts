import { type Ailment, lineOut, settings } from './ailment.ts'
import { a, type Kit, socket, unit } from './kit.ts'

const check = unit(socket).replace('.service', '-check.service')

/** What ails host-a itself. */
export function onDevice(kit: Kit): readonly Ailment[] {
  const atSocket = (rest: Omit<Ailment, 'of'>): Ailment => ({ of: [a, socket], ...rest })
  return [
    atSocket({
      what: 'its unit is stopped and disabled',
      breaks: `systemctl disable --quiet --now ${unit(socket)}`,
      link: 'unit',
      says: / is stopped and disabled for \d+ s \(since \S+Z\)$/,
    }),
    atSocket({
      what: 'its unit is not there',
      breaks: `systemctl disable --quiet --now ${unit(socket)}; rm /etc/systemd/system/${unit(socket)}; systemctl daemon-reload`,
      link: 'unit',
      says: /has no unit .* \(not-found\)$/,
    }),
    atSocket({
      what: 'its ssh is frozen, and nobody watches it',
      breaks: `systemctl stop ${check}; systemctl kill --signal=STOP ${unit(socket)}`,
      link: 'unit',
      says: `its ssh is frozen and does not answer; ${check}, which would kill it, is inactive`,
    }),
    atSocket({
      what: 'its key is empty',
      breaks: `: >/etc/reverse-tunnel/id_ed25519; systemctl kill --signal=KILL ${unit(socket)}`,
      link: 'key',
      says: 'the key of host-a.lan.internal, /etc/reverse-tunnel/id_ed25519, cannot be read',
    }),
    atSocket({
      what: 'it trusts another host key of the gateway',
      breaks: `{ printf '${socket} '; cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub; } >/etc/reverse-tunnel/known_hosts`,
      link: 'gateway host key',
      says: 'host-a.lan.internal does not trust the host key of ssh-gw.guest.internal',
    }),
    atSocket({
      what: 'its sshd is stopped',
      breaks: 'systemctl stop ssh',
      link: 'device sshd',
      says: 'the tunnel is up, but the sshd of host-a.lan.internal behind it does not answer',
    }),
    atSocket({
      what: 'localhost has no name',
      breaks: `sed 's/localhost/nobody/g' /etc/hosts >/root/hosts; mount --bind /root/hosts /etc/hosts`,
      link: 'device sshd',
      says: 'localhost:22 on host-a.lan.internal, where the forward ends: localhost has no address there',
      clear: () => kit.inside(a, 'umount /etc/hosts'),
    }),
    atSocket({
      what: 'its sshd lets in nobody who comes through the tunnel',
      breaks: `echo 'AllowUsers user001@10.*' >${settings}/10-h.conf; systemctl reload ssh`,
      link: 'login',
      says: `AllowUsers user001@10.* (${settings}/10-h.conf line 1)`,
      by: lineOut(kit, a),
    }),
    atSocket({
      what: 'it has no ssh',
      // What stands for Debian's archive has that one package.
      breaks: `mv /usr/bin/ssh /root/; cd /usr/local/sbin
        printf '#!/bin/sh\\n[ "$*" = "install openssh-client" ] && mv /root/ssh /usr/bin/\\n' >apt-get; chmod 755 apt-get`,
      link: 'device',
      says: 'host-a.lan.internal has no program ssh(1)',
      clear: () => kit.inside(a, 'rm /usr/local/sbin/apt-get'),
    }),
    atSocket({
      what: 'its host key files are empty',
      breaks: 'for key in /etc/ssh/ssh_host_*_key; do : >$key; done',
      link: 'device sshd',
      says: /ssh_host_\w+_key of host-a\.lan\.internal are empty/,
    }),
    atSocket({
      what: 'its host keys are others',
      breaks: 'rm /etc/ssh/ssh_host_*_key; ssh-keygen -A >/dev/null; systemctl reload ssh',
      link: 'host key',
      says: 'host-a.lan.internal presented another host key than the pinned one',
    }),
  ]
}
