import { place } from '../kit.ts'
import { a, b, type Kit, shared, socket, unit } from './kit.ts'

/** One more link is broken, nearer to the beginning of the chain than those before it. */
export interface Step {
  readonly what: string
  readonly breaks: () => Promise<unknown>
  readonly link: string
  readonly says: RegExp | string
  readonly mend: RegExp | string
}

/** What is broken of host-a, at the gateway where systemd owns the ports. */
export const ofA = ({ machine, inside, account, stranger }: Kit): readonly Step[] => [
  {
    what: 'its clock is wrong',
    breaks: () =>
      place(machine(a), {
        path: '/usr/local/bin/date',
        text: `#!/bin/sh\nexport LD_PRELOAD='/usr/$LIB/faketime/libfaketime.so.1' FAKETIME=-20y\nexec /usr/bin/date "$@"\n`,
      }).then(() => inside(a, 'chmod 755 /usr/local/bin/date')),
    link: 'clock',
    says: 'the clock of host-a.lan.internal is 20 years behind that of ssh-gw.guest.internal',
    mend: 'on host-a.lan.internal: timedatectl',
  },
  {
    what: 'its unit is masked',
    breaks: () => inside(a, `rm /etc/systemd/system/${unit(socket)}; systemctl mask --quiet ${unit(socket)}`),
    link: 'unit',
    says: / is masked$/,
    mend: /^provision \S+ --limit host-a\.lan\.internal$/,
  },
  {
    what: 'a stranger holds its port',
    breaks: async () => {
      await inside(socket, 'systemctl stop reverse-tunnel-127.0.0.1_9022.socket')
      await stranger(socket, 9022)
    },
    link: 'listener',
    says: /^127\.0\.0\.1:9022 on ssh-gw\.guest\.internal is held by another program: perl, process \d+ of root, of stranger\.service/,
    mend: 'on ssh-gw.guest.internal: systemctl stop stranger.service',
  },
  {
    what: 'its account is gone',
    breaks: async () =>
      inside(socket, `pkill -KILL -u ${await account('host-a')}; userdel --force ${await account('host-a')}`),
    link: 'account',
    says: /^ssh-gw\.guest\.internal has no account tunnel-host-a/,
    mend: /^choose another port .*; then provision \S+ --limit ssh-gw\.guest\.internal --limit host-a\.lan\.internal$/,
  },
  {
    what: 'a firewall rejects it',
    breaks: () =>
      inside(
        a,
        `nft 'add table inet doctor; add chain inet doctor out { type filter hook output priority 0; }; add rule inet doctor out oif != lo tcp dport 22 reject with tcp reset'`,
      ),
    link: 'firewall',
    says: 'refuses host-a.lan.internal, although ssh-gw.guest.internal listens there',
    mend: 'allow host-a.lan.internal to connect to ssh-gw.guest.internal port 22/tcp',
  },
  {
    what: 'a firewall drops what it sends',
    breaks: () => inside(a, `nft 'flush chain inet doctor out; add rule inet doctor out oif != lo tcp dport 22 drop'`),
    link: 'firewall',
    says: 'does not answer host-a.lan.internal',
    mend: 'allow host-a.lan.internal to connect to ssh-gw.guest.internal port 22/tcp',
  },
  {
    what: 'it has no route',
    breaks: () => inside(a, 'ip route del default'),
    link: 'route',
    says: /has no route to 10\.77\.\S+: Network is unreachable/,
    mend: 'on host-a.lan.internal: ip address; ip route',
  },
  {
    what: 'it finds no name',
    breaks: () => machine(a).forgetNames(),
    link: 'name',
    says: 'host-a.lan.internal finds no address for ssh-gw.guest.internal',
    mend: 'on host-a.lan.internal: getent ahosts',
  },
]

/** What is broken of host-b, at the gateway where sshd owns the ports. */
export const ofB = ({ inside, stranger }: Kit): readonly Step[] => [
  {
    what: 'its unit does not come up',
    breaks: async () => {
      await inside(b, `sed -i 's/ExitOnForwardFailure=yes/Nonsense=yes/' /etc/systemd/system/${unit(shared)}`)
      await inside(b, `systemctl daemon-reload; systemctl restart ${unit(shared)} || :`)
    },
    link: 'unit',
    says: /does not start: it is (activating|deactivating|failed) .*: its ssh does not know one of its options \(".*Bad configuration option: nonsense"\)/,
    mend: 'on host-b.lan.internal: journalctl -u reverse-tunnel-ssh-gw2.guest.internal.service',
  },
  {
    what: 'a stranger holds its port',
    breaks: () => stranger(shared, 9023),
    link: 'listener',
    says: /^127\.0\.0\.1:9023 on ssh-gw2\.guest\.internal is held by another program: perl, process \d+ of root, of stranger\.service/,
    mend: 'on ssh-gw2.guest.internal: systemctl stop stranger.service',
  },
  {
    what: 'its account has expired',
    breaks: () => inside(shared, 'chage -E 1 tunnel'),
    link: 'account',
    says: 'the account tunnel has expired on 1970-01-02',
    mend: 'on ssh-gw2.guest.internal: chage -E -1 tunnel',
  },
  {
    what: 'sshd does not listen where devices dial',
    breaks: () => inside(shared, `sed -i '/^Port 22$/d' /etc/ssh/sshd_config.d/lab.conf; systemctl restart ssh`),
    link: 'gateway sshd',
    says: 'nothing listens on port 22 of ssh-gw2.guest.internal',
    mend: 'systemctl restart ssh',
  },
]
