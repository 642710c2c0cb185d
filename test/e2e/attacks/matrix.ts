/** How the device's port is opened on the gateway, see `listener` in the inventory. */
export type Mode = 'sshd' | 'socket'

/** A line of the gateway's Match block by its keyword, an option of the key's line, or what is said below. */
export type Protection = string

export interface Attack {
  readonly name: string
  /** What the thief types, for people. */
  readonly words: string
  /** Each of these alone refuses it; with all of them away it works. */
  readonly refusedBy: Readonly<Record<Mode, readonly Protection[]>>
}

export const shell = 'shell nologin'
export const noPassword = 'no password'
export const oneAccount = 'key in one account only'
export const option = { restrict: 'restrict', listen: 'permitlisten' } as const

const session = ['MaxSessions', 'ForceCommand', shell]
const both = (...refusedBy: Protection[]) => ({ sshd: refusedBy, socket: refusedBy })
const inSession = (...more: Protection[]) => ({
  sshd: [...session, ...more],
  socket: [...session, 'ChrootDirectory', ...more],
})
const outward = both('AllowTcpForwarding', 'PermitOpen')
const listening = (...more: Protection[]) => ({
  sshd: [option.listen, ...more],
  socket: ['AllowTcpForwarding', ...more],
})
const socketElsewhere = { sshd: ['AllowStreamLocalForwarding'], socket: ['ChrootDirectory'] }

const attacks = {
  shell: ['ssh gateway', inSession()],
  exec: ['ssh gateway COMMAND', inSession()],
  sftp: [
    'sftp gateway',
    { sshd: ['MaxSessions', 'ForceCommand'], socket: ['MaxSessions', 'ForceCommand', 'ChrootDirectory'] },
  ],
  scp: ['scp gateway:/etc/hostname .', inSession()],
  tty: ['ssh -tt', inSession('PermitTTY', option.restrict)],
  agent: ['ssh -A', inSession('AllowAgentForwarding', option.restrict)],
  x11: ['ssh -X', inSession('X11Forwarding', option.restrict)],
  setenv: ['ssh -o SendEnv=…', inSession()],
  environment: ['~/.ssh/environment', inSession()],
  rc: ['~/.ssh/rc', inSession('PermitUserRC', option.restrict)],
  'L-gateway': ['ssh -L to the gateway itself', outward],
  'L-beyond': ['ssh -L to a machine beyond', outward],
  'L-socket': ['ssh -L to a unix socket', both('AllowStreamLocalForwarding', 'AllowTcpForwarding', 'PermitOpen')],
  D: ['ssh -D', outward],
  W: ['ssh -W', outward],
  'R-other': ["ssh -R to a port that is nobody's", listening()],
  'R-neighbour': ["ssh -R to another device's port", listening()],
  'R-any': ['ssh -R 0.0.0.0:…', listening('GatewayPorts')],
  'R-any6': ['ssh -R [::]:…', listening('GatewayPorts')],
  'R-published': ['its own port, reached from other machines', { sshd: ['GatewayPorts'], socket: [] }],
  'R-/tmp': ['ssh -R /tmp/x', socketElsewhere],
  'R-/run/lock': ['ssh -R /run/lock/x', socketElsewhere],
  'R-/dev/shm': ['ssh -R /dev/shm/x', socketElsewhere],
  tun: ['ssh -w', { sshd: ['PermitTunnel'], socket: ['PermitTunnel', 'ChrootDirectory'] }],
  'other-key': ["a line of one's own in ~/.ssh/authorized_keys", both('AuthorizedKeysFile')],
  password: ["the account's password", both('AuthenticationMethods', noPassword)],
  'other-account': ['the key in another account', both(oneAccount)],
} as const satisfies Record<string, readonly [string, Attack['refusedBy']]>

export const all: readonly Attack[] = Object.entries(attacks).map(([name, [words, refusedBy]]) => ({
  name,
  words,
  refusedBy,
}))

/** Lines of the Match block that are there for something else than against an attack. */
export const noProtection = ['ClientAliveInterval', 'ClientAliveCountMax', 'UnusedConnectionTimeout']

/** Everything that refuses one of these attacks. */
export function protectionsOf(attacks: readonly Attack[], modes: readonly Mode[]): readonly Protection[] {
  return [...new Set(attacks.flatMap(({ refusedBy }) => modes.flatMap((mode) => refusedBy[mode])))]
}

/** The matrix for people, as it stands in docs/security.md. */
export function table(attacks: readonly Attack[]): string {
  const cell = (refusedBy: readonly Protection[]) =>
    refusedBy.map((word) => `\`${word}\``).join(', ') || 'nothing to attack'
  return [
    '| attack | `"listener": "sshd"`: refused by each of | `"listener": "socket"`: refused by each of |',
    '|---|---|---|',
    ...attacks.map(({ words, refusedBy }) => `| ${words} | ${cell(refusedBy.sshd)} | ${cell(refusedBy.socket)} |`),
  ].join('\n')
}
