import { a, b, type Kit, shared, socket, unit } from './kit.ts'

/** Something that is wrong with one tunnel and with nothing else; what the doctor says of it mends it. */
export interface Ailment {
  readonly what: string
  /** Whose tunnel, to which gateway. */
  readonly of: readonly [device: string, gateway: string]
  readonly breaks: string | (() => Promise<unknown>)
  /** Where that script runs; the device where nothing is said. */
  readonly on?: string
  readonly link: string
  readonly says: RegExp | string
  /** What of the mend only a person can do: a line of a file that is to go, say. */
  readonly by?: (said: { readonly says: string }) => Promise<unknown>
  /** Afterwards. */
  readonly clear?: () => Promise<unknown>
}

const keys = '/etc/ssh/reverse-tunnel/keys'
const settings = '/etc/ssh/sshd_config.d'
const check = unit(socket).replace('.service', '-check.service')
const port = 'reverse-tunnel-127.0.0.1_9022.socket'
const account = '$(getent passwd | grep -o "^tunnel-host-a[^:]*")'
const ownSshd = `printf '%s\\n' [Service] RuntimeDirectory=sshd RuntimeDirectoryPreserve=yes 'ExecStart=/usr/sbin/sshd -D' KillMode=process 'ExecReload=/bin/kill -HUP $MAINPID' [Install] WantedBy=multi-user.target >/etc/systemd/system/my-sshd.service
  systemctl daemon-reload; systemctl disable --quiet --now ssh; systemctl enable --quiet --now my-sshd`
const usualSshd = 'systemctl disable --quiet --now my-sshd; systemctl enable --quiet --now ssh'

/** Of host-a, at the gateway where systemd owns the ports; then of host-b, at the one where sshd does. */
export function ailments({ inside, stranger }: Kit): readonly Ailment[] {
  const atSocket = (rest: Omit<Ailment, 'of'>): Ailment => ({ of: [a, socket], ...rest })
  const atShared = (rest: Omit<Ailment, 'of'>): Ailment => ({ of: [b, shared], ...rest })
  /** `AllowUsers x (FILE line N)`: that line goes, as the mend says. */
  const lineOut =
    (host: string): NonNullable<Ailment['by']> =>
    ({ says }) => {
      const [, file = '', line = ''] = /\((\/\S+) line (\d+)\)/.exec(says) ?? []
      return inside(host, `sed -i ${line}d ${file}; systemctl reload ssh`)
    }
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
      clear: () => inside(a, 'umount /etc/hosts'),
    }),
    atSocket({
      what: 'its sshd lets in nobody who comes through the tunnel',
      breaks: `echo 'AllowUsers user001@10.*' >${settings}/10-h.conf; systemctl reload ssh`,
      link: 'login',
      says: `AllowUsers user001@10.* (${settings}/10-h.conf line 1)`,
      by: lineOut(a),
    }),
    atSocket({
      what: 'it has no ssh',
      // What stands for Debian's archive has that one package.
      breaks: `mv /usr/bin/ssh /root/; cd /usr/local/sbin
        printf '#!/bin/sh\\n[ "$*" = "install openssh-client" ] && mv /root/ssh /usr/bin/\\n' >apt-get; chmod 755 apt-get`,
      link: 'device',
      says: 'host-a.lan.internal has no program ssh(1)',
      clear: () => inside(a, 'rm /usr/local/sbin/apt-get'),
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
    atSocket({
      what: 'its key file is gone',
      on: socket,
      breaks: `rm ${keys}/${account}`,
      link: 'key',
      says: 'ssh-gw.guest.internal has no file /etc/ssh/reverse-tunnel/keys/tunnel-host-a',
    }),
    atSocket({
      what: 'its key file is damaged',
      on: socket,
      breaks: `sed -i 's/ssh-ed25519 AAAA..../ssh-ed25519 /' ${keys}/${account}`,
      link: 'key',
      says: 'its line is damaged',
    }),
    atSocket({
      what: 'its account is gone',
      on: socket,
      breaks: `name=${account}; pkill -KILL -u $name; userdel --force $name`,
      link: 'account',
      says: /^ssh-gw\.guest\.internal has no account tunnel-host-a/,
    }),
    atSocket({
      what: 'its account has no shell',
      on: socket,
      breaks: `usermod -s /bin/none ${account}`,
      link: 'account',
      says: /^the login shell of tunnel-host-a\S* does not exist$/,
    }),
    atSocket({
      what: 'its folder was cleaned away',
      on: socket,
      breaks: 'rm -r /run/reverse-tunnel/tunnel-host-a*',
      link: 'account',
      says: /^the folder \S+ of tunnel-host-a\S* does not exist$/,
    }),
    atSocket({
      what: 'what provision set of sshd is gone',
      on: socket,
      breaks: `rm ${settings}/00-reverse-tunnel*.conf; systemctl reload ssh`,
      link: 'account',
      says: /the settings of provision are not in force$/,
    }),
    atSocket({
      what: 'others may write where its key is',
      on: socket,
      breaks: 'chmod 775 /etc/ssh; chgrp sudo /etc/ssh',
      link: 'key',
      says: /refuses the key of host-a\.lan\.internal: .*bad ownership or modes for directory \/etc\/ssh/,
    }),
    atSocket({
      what: 'its account may not log in',
      on: socket,
      breaks: `echo 'AllowUsers user001' >${settings}/10-h.conf; systemctl reload ssh`,
      link: 'account',
      says: `AllowUsers user001 (${settings}/10-h.conf line 1)`,
      by: lineOut(socket),
    }),
    atSocket({
      what: 'its key is of a type that is not accepted',
      on: socket,
      breaks: `printf '%s\\n' 'PubkeyAcceptedAlgorithms rsa-sha2-512' 'Match User user001' 'PubkeyAcceptedAlgorithms ssh-ed25519' >${settings}/10-h.conf; systemctl reload ssh`,
      link: 'key',
      says: `PubkeyAcceptedAlgorithms rsa-sha2-512 (${settings}/10-h.conf line 1)`,
      by: lineOut(socket),
    }),
    atSocket({
      what: 'nothing holds its port',
      on: socket,
      breaks: `systemctl stop ${port}`,
      link: 'listener',
      says: `nothing listens on 127.0.0.1:9022 on ssh-gw.guest.internal: ${port} is inactive`,
    }),
    atSocket({
      what: 'what holds its port is masked',
      on: socket,
      breaks: `rm /etc/systemd/system/${port}; systemctl mask --quiet --now ${port}`,
      link: 'listener',
      says: /\.socket on ssh-gw\.guest\.internal is masked$/,
    }),
    atSocket({
      what: 'what holds its port would not be there after a boot',
      on: socket,
      breaks: `systemctl disable --quiet ${port}`,
      link: 'listener',
      says: /runs but is disabled: after the next boot nothing would listen/,
    }),
    atSocket({
      what: 'a stranger holds its port',
      breaks: () => inside(socket, `systemctl stop ${port}`).then(() => stranger(socket, 9022)),
      link: 'listener',
      says: /^127\.0\.0\.1:9022 on ssh-gw\.guest\.internal is held by another program: perl, process \d+ of root, of stranger\.service/,
    }),
    atShared({
      what: 'its unit does not come up',
      breaks: `sed -i 's/ExitOnForwardFailure=yes/Nonsense=yes/' /etc/systemd/system/${unit(shared)}; systemctl daemon-reload; systemctl restart ${unit(shared)} || :`,
      link: 'unit',
      says: /does not start: it is (activating|deactivating|failed) .*: its ssh does not know one of its options/,
    }),
    atShared({
      what: 'another key stands in its line',
      on: shared,
      breaks: `sed -i "s#ssh-ed25519 [^ ]*#$(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)#" /etc/ssh/reverse-tunnel/authorized_keys`,
      link: 'key',
      says: 'has another key than host-b.lan.internal: SHA256:',
    }),
    atShared({
      what: 'its line is for another port',
      on: shared,
      breaks: `sed -i 's/:9023"/:9999"/' /etc/ssh/reverse-tunnel/authorized_keys`,
      link: 'key',
      says: 'does not allow it to listen on port 9023',
    }),
    atShared({
      what: 'everybody may write the key file',
      on: shared,
      breaks: 'chmod 666 /etc/ssh/reverse-tunnel/authorized_keys',
      link: 'key',
      says: 'users other than root may write /etc/ssh/reverse-tunnel/authorized_keys (mode 666)',
    }),
    atShared({
      what: 'its account has expired',
      on: shared,
      breaks: 'chage -E 1 tunnel',
      link: 'account',
      says: 'the account tunnel has expired on 1970-01-02',
    }),
    atShared({
      what: 'an sshd of a unit of the site does not listen where devices dial',
      on: shared,
      breaks: `cd ${settings}; cp lab.conf /root/; sed -i '/^Port 22$/d' lab.conf; ${ownSshd}; cp /root/lab.conf .`,
      link: 'gateway sshd',
      says: 'nothing listens on port 22 of ssh-gw2.guest.internal',
      clear: () => inside(shared, usualSshd),
    }),
  ]
}
