import type { Case } from '../../src/doctor/case.ts'
import type { TunnelParts } from '../../src/doctor/tunnel.ts'
import type { Device, Forward, Gateway } from '../../src/inventory/model.ts'
import type { ForwardReport } from '../../src/report/report.ts'

// A tunnel that works, as both machines tell it. A test takes one thing away.

export const now = 1_764_000_000
const common = {
  hostKeys: [],
  login: { sudo: true },
  accounts: [],
  profile: 'compatible',
  passwordLogin: true,
} as const
const gateway: Gateway = {
  ...common,
  role: 'gateway',
  name: 'gw',
  dial: { address: 'gw', port: 22 },
  tunnelAccount: 'tunnel',
}
const blob = (byte: string) => `AAAAC3NzaC1lZDI1NTE5AAAAI${byte.repeat(43)}`
export const deviceKey = blob('d')
export const otherKey = blob('o')
export const gatewayKey = blob('g')
/** By `ssh-keygen -l`. */
export const shown = { gateway: 'SHA256:gateway', other: 'SHA256:other' }

export interface Chain {
  listener: Forward['listener']
  gateway: Map<string, string>
  device: Map<string, string>
  deviceError?: NonNullable<Case['device']['error']>
  gatewayError?: NonNullable<Case['gateway']['error']>
  supervisor?: Device['supervisor']
  forward: Partial<ForwardReport> & Pick<ForwardReport, 'state'>
}

export const account = 'tunnel-dev'
const units = (properties: Readonly<Record<string, string>>) =>
  Object.entries({
    LoadState: 'loaded',
    ActiveState: 'active',
    UnitFileState: 'enabled',
    Result: 'success',
    ...properties,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

export { units }

/** What `ssh -v` says of a login that comes to its end. */
export const attempt = (hostKey: string, end: string) => `OpenSSH_10.0p2
debug1: Connecting to gw [10.0.0.1] port 22.
debug1: Connection established.
debug1: Remote protocol version 2.0, remote software version OpenSSH_10.0p2
debug1: Server host key: ssh-ed25519 ${hostKey}
${end}
`
export const loggedIn =
  'Authenticated to gw ([10.0.0.1]:22) using "publickey".\nchannel 0: open failed: administratively prohibited'

export function healthy(listener: Forward['listener'] = 'socket'): Chain {
  const port = 9022
  return {
    listener,
    gateway: new Map([
      ['now', String(now)],
      ['sshd-unit', units({ Id: 'ssh.service' })],
      ['test', 'valid\n'],
      ['host-keys', '399 /etc/ssh/ssh_host_ed25519_key\n'],
      [
        'dial',
        'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=80,fd=3))\nprocess 80 ssh.service root sshd: /usr/sbin/sshd -D\n',
      ],
      ['settings', `usepam yes\nauthorizedkeysfile ${listener === 'sshd' ? '/keys/tunnel' : '/keys/%u'}\n`],
      ['account', `${listener === 'sshd' ? 'tunnel' : account}:x:990:990::/nonexistent:/usr/sbin/nologin\nexpires \n`],
      ['rights', '755 root directory /keys\n644 root regular file /keys/tunnel-dev\n'],
      [
        'lines',
        `restrict,port-forwarding${listener === 'sshd' ? `,permitlisten="127.0.0.1:${port}"` : ''} ssh-ed25519 ${deviceKey} dev\n`,
      ],
      ['fingerprints', 'SHA256:device\n'],
      ['jail', `755 root directory /run/t/${account}\n700 ${account} directory /run/t/${account}/s\n`],
      [
        `port-${port}`,
        listener === 'socket'
          ? `LISTEN 0 4096 127.0.0.1:${port} 0.0.0.0:* users:(("systemd",pid=1,fd=40))\nprocess 1 init.scope root /sbin/init\n`
          : `LISTEN 0 128 127.0.0.1:${port} 0.0.0.0:* users:(("sshd-session",pid=300,fd=9))\nprocess 300 session-1.scope tunnel sshd-session: tunnel\n`,
      ],
      [`socket-${port}`, units({ Id: `t-${port}.socket` })],
      [`proxy-${port}`, units({ Id: `t-${port}.service`, ActiveState: 'inactive' })],
      [
        'logins',
        `${now - 7200}.5 gw sshd-session[200]: Accepted publickey for ${account} from 10.0.0.9 port 40000 ssh2: ED25519 SHA256:device\n`,
      ],
      ['log', ''],
      ['sessions', 'ESTAB 0 0 10.0.0.1:22 10.0.0.9:40000\n'],
    ]),
    device: new Map([
      ['now', String(now + 1)],
      ['resolve', '10.0.0.1        STREAM gw\n10.0.0.1        DGRAM\n'],
      ['routes', '10.0.0.1 10.0.0.1 via 10.1.0.1 dev eth0 src 10.1.0.9 uid 0 \\ cache\n'],
      ['key', `600 root 399\nssh-ed25519 ${deviceKey}\n`],
      ['trusted', `ssh-ed25519 ${gatewayKey}\n`],
      ['try', attempt(shown.gateway, loggedIn)],
      ['unit', units({ Id: 't.service', SubState: 'running' })],
      ['check', units({ Id: 't-check.service' })],
      ['alive', 'Master running (pid=77)\n'],
      ['journal', ''],
      ['clock', 'NTP=yes\nNTPSynchronized=yes\n'],
      ['sshd-unit', units({ Id: 'ssh.service' })],
      ['sshd-test', 'valid\n'],
      ['host-keys', '399 /etc/ssh/ssh_host_ed25519_key\n'],
      ['target-22', `# localhost:22 SSH-2.0-OpenSSH_10.0p2\nlocalhost ssh-ed25519 ${otherKey}\n`],
    ]),
    forward: { state: 'ok', hostKey: 'SHA256:dev' },
  }
}

/** Nobody can log in to the device: it is on a roof. */
export function onTheRoof(chain: Chain): void {
  chain.deviceError = { kind: 'unreachable', message: 'no route worked (direct: dev port 22: no answer within 10 s)' }
}

export function caseOf(chain: Chain): Case {
  const forward: Forward = {
    device: 'dev',
    gateway: 'gw',
    bindAddress: '127.0.0.1',
    port: 9022,
    host: 'localhost',
    hostPort: 22,
    listener: chain.listener,
    expose: false,
  }
  const device: Device = {
    ...common,
    role: 'device',
    name: 'dev',
    forwards: [forward],
    via: ['direct'],
    supervisor: chain.supervisor ?? 'systemd',
  }
  const tunnel: TunnelParts = {
    device,
    gateway,
    forwards: [forward],
    listener: chain.listener,
    account: chain.listener === 'sshd' ? 'tunnel' : account,
    keyFile: chain.listener === 'sshd' ? '/keys/tunnel' : `/keys/${account}`,
    jail: `/run/t/${account}`,
    socketUnit: ({ port }) => `t-${port}.socket`,
    key: '/etc/t/key',
    knownHosts: '/etc/t/known_hosts',
    unit: 't.service',
    checkUnit: 't-check.service',
    controlSocket: '/run/t/control',
  }
  return {
    tunnel,
    inventory: 'inv.json',
    gateway: chain.gatewayError
      ? { hostKeys: [], at: 0, error: chain.gatewayError }
      : { facts: chain.gateway, hostKeys: [`ssh-ed25519 ${gatewayKey}`], at: 0, via: 'direct' },
    device: chain.deviceError
      ? { hostKeys: [], at: 0, error: chain.deviceError }
      : { facts: chain.device, hostKeys: [`ssh-ed25519 ${otherKey}`], at: 0, via: 'direct' },
    forwards: [{ device: 'dev', gateway: 'gw', bindAddress: '127.0.0.1', port: 9022, ...chain.forward }],
  }
}
