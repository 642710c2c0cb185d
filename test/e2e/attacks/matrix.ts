/** How the device's port is opened on the gateway, see `listener` in the inventory. */
export type Mode = 'sshd' | 'socket'

/** A line of the gateway's Match block by its keyword, an option of the key's line, or what is said below. */
export type Protection = string

export interface Attack {
  readonly name: string
  /** What the thief types, for people. */
  readonly words: string
  /** Each of these alone refuses it; without them it works, though all the others are there. */
  readonly refusedBy: Readonly<Record<Mode, readonly Protection[]>>
}

export const shell = 'the shell nologin'
export const noPassword = 'no password on the account'
export const oneAccount = 'the key stands in one account only'
export const folderRights = "the folder is one account's own"
export const option = { restrict: 'restrict', listen: 'permitlisten' } as const

const by = (sshd: readonly Protection[], socket: readonly Protection[] = sshd) => ({ sshd, socket })
/** All that the session could reach is outside of the one folder that an account sees in the socket mode. */
const jailed = (...refusedBy: Protection[]) => by(refusedBy, [...refusedBy, 'ChrootDirectory'])
const inSession = (...more: Protection[]) => jailed('MaxSessions', 'ForceCommand', shell, ...more)
const outward = by(['AllowTcpForwarding', 'PermitOpen'])
const listening = (...more: Protection[]) => by([option.listen, ...more], ['PermitListen', ...more])
const socketElsewhere = by(['AllowStreamLocalForwarding'], ['ChrootDirectory'])

const attacks: Readonly<Record<string, readonly [words: string, refusedBy: Attack['refusedBy']]>> = {
  shell: ['ssh gateway', inSession()],
  exec: ['ssh gateway COMMAND', inSession()],
  // sshd serves it by itself, without a shell, where it is told to: Subsystem sftp internal-sftp.
  sftp: ['sftp gateway', jailed('MaxSessions', 'ForceCommand')],
  scp: ['scp gateway:/etc/hostname .', inSession()],
  tty: ['ssh -tt', inSession('PermitTTY', option.restrict)],
  agent: ['ssh -A', inSession('AllowAgentForwarding', option.restrict)],
  x11: ['ssh -X', inSession('X11Forwarding', option.restrict)],
  setenv: ['ssh -o SendEnv=…', inSession()],
  environment: ['~/.ssh/environment', inSession()],
  rc: ['~/.ssh/rc', inSession('PermitUserRC', option.restrict)],
  'L-gateway': ['ssh -L to the gateway itself', outward],
  'L-beyond': ['ssh -L to a machine beyond', outward],
  'L-socket': ['ssh -L to a unix socket', jailed('AllowStreamLocalForwarding', 'AllowTcpForwarding', 'PermitOpen')],
  D: ['ssh -D', outward],
  W: ['ssh -W', outward],
  'R-other': ["ssh -R to a port that is nobody's", listening()],
  'R-neighbour': ["ssh -R to another device's port", listening()],
  'R-any': ['ssh -R 0.0.0.0:…', listening('GatewayPorts')],
  'R-any6': ['ssh -R [::]:…', listening('GatewayPorts')],
  'R-published': ['its own port, reached from other machines', by(['GatewayPorts'], [])],
  'R-/tmp': ['ssh -R /tmp/x', socketElsewhere],
  'R-/run/lock': ['ssh -R /run/lock/x', socketElsewhere],
  'R-/dev/shm': ['ssh -R /dev/shm/x', socketElsewhere],
  'R-neighbour-socket': [
    "ssh -R to another device's socket",
    by(['AllowStreamLocalForwarding', folderRights], ['ChrootDirectory', folderRights]),
  ],
  tun: ['ssh -w', jailed('PermitTunnel')],
  'other-key': ["a line of one's own in ~/.ssh/authorized_keys", by(['AuthorizedKeysFile'])],
  password: ["the account's password", by(['AuthenticationMethods', noPassword])],
  'other-account': ['the key in another account', by([oneAccount])],
}

export const all: readonly Attack[] = Object.entries(attacks).map(([name, [words, refusedBy]]) => ({
  ...{ name, words, refusedBy },
}))

/** Lines of the Match block that are there for something else than against an attack. */
export const noProtection = [
  ...['ClientAliveInterval', 'ClientAliveCountMax', 'UnusedConnectionTimeout'],
  ...['StreamLocalBindUnlink', 'StreamLocalBindMask'],
]

/** Everything that refuses one of these attacks. */
export function protectionsOf(attacks: readonly Attack[], modes: readonly Mode[]): readonly Protection[] {
  return [...new Set(attacks.flatMap(({ refusedBy }) => modes.flatMap((mode) => refusedBy[mode])))]
}

const word = (protection: Protection) =>
  /^[A-Z]|^restrict|^permit/.test(protection) ? `\`${protection}\`` : protection

/** The matrix for people, as it stands in docs/security.md. */
export function attackTable(): string {
  const cell = (refusedBy: readonly Protection[]) => refusedBy.map(word).join(', ') || 'nothing to attack'
  return [
    '| attack | `"listener": "sshd"`: refused by each of | `"listener": "socket"`: refused by each of |',
    '|---|---|---|',
    ...all.map(({ words, refusedBy }) => `| ${words} | ${cell(refusedBy.sshd)} | ${cell(refusedBy.socket)} |`),
  ].join('\n')
}

/** The lines that have nothing behind them: what works when one of them is missing. */
export function weakPoints(): string {
  const opened = (protection: Protection, mode: Mode) =>
    all.filter(({ refusedBy }) => refusedBy[mode].join() === protection).map(({ words }) => words)
  const rows = protectionsOf(all, ['sshd', 'socket'])
    .map((protection) => ({ protection, cells: [opened(protection, 'sshd'), opened(protection, 'socket')] }))
    .filter(({ cells }) => cells.some((works) => works.length > 0))
  return [
    '| without | works with `"listener": "sshd"` | works with `"listener": "socket"` |',
    '|---|---|---|',
    ...rows.map(
      ({ protection, cells }) =>
        `| ${[word(protection), ...cells.map((works) => works.join('; ') || 'nothing')].join(' | ')} |`,
    ),
  ].join('\n')
}
