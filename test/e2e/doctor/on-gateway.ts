import { type Ailment, lineOut, settings } from './ailment.ts'
import { a, b, type Kit, shared, socket, unit } from './kit.ts'

const keys = '/etc/ssh/reverse-tunnel/keys'
const port = 'reverse-tunnel-127.0.0.1_9022.socket'
const account = '$(getent passwd | grep -o "^tunnel-host-a[^:]*")'
const ownSshd = `printf '%s\\n' [Service] RuntimeDirectory=sshd RuntimeDirectoryPreserve=yes 'ExecStart=/usr/sbin/sshd -D' KillMode=process 'ExecReload=/bin/kill -HUP $MAINPID' [Install] WantedBy=multi-user.target >/etc/systemd/system/my-sshd.service
  systemctl daemon-reload; systemctl disable --quiet --now ssh; systemctl enable --quiet --now my-sshd
  until ss -Hltn 'sport = :2222' | grep -q .; do sleep 0.1; done`
const usualSshd = 'systemctl disable --quiet --now my-sshd; systemctl enable --quiet --now ssh'

/** What ails the tunnel of host-a at the gateway where systemd owns the ports. */
export function onGateway(kit: Kit): readonly Ailment[] {
  const atSocket = (rest: Omit<Ailment, 'of'>): Ailment => ({ of: [a, socket], ...rest })
  return [
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
      by: lineOut(kit, socket),
    }),
    atSocket({
      what: 'its key is of a type that is not accepted',
      on: socket,
      breaks: `printf '%s\\n' 'PubkeyAcceptedAlgorithms rsa-sha2-512' 'Match User user001' 'PubkeyAcceptedAlgorithms ssh-ed25519' >${settings}/10-h.conf; systemctl reload ssh`,
      link: 'key',
      says: `PubkeyAcceptedAlgorithms rsa-sha2-512 (${settings}/10-h.conf line 1)`,
      by: lineOut(kit, socket),
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
      what: 'its session is frozen',
      on: socket,
      breaks: `pkill -STOP -f '^sshd(-session)?: tunnel-host-a[^ ]*$'`,
      link: 'forward',
      says: /is stale: the port is open, but nothing answers/,
      by: kit.waited,
      clear: () => kit.inside(socket, `pkill -KILL -r T -f '^sshd'`),
    }),
    atSocket({
      what: 'a stranger holds its port',
      breaks: () => kit.inside(socket, `systemctl stop ${port}`).then(() => kit.stranger(socket, 9022)),
      link: 'listener',
      says: /^127\.0\.0\.1:9022 on ssh-gw\.guest\.internal is held by another program: perl, process \d+ of root, of stranger\.service/,
    }),
  ]
}

/** … and that of host-b, at the one where sshd does. */
export function onSharedGateway(kit: Kit): readonly Ailment[] {
  const atShared = (rest: Omit<Ailment, 'of'>): Ailment => ({ of: [b, shared], ...rest })
  return [
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
      clear: () => kit.inside(shared, usualSshd),
    }),
  ]
}
