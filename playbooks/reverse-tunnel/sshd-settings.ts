import {
  type Forward,
  type Gateway,
  type Late,
  parseHeldForwards,
  parseKeyLine,
  printListener,
  type Refused,
  type Resource,
  reachedOn,
  type Seen,
  type Setting,
  type SshdSettings,
  sshdSettings,
} from '../../src/index.ts'
import {
  enrolments,
  enrolProgram,
  jail,
  keysFolder,
  lookAccount,
  lookFolder,
  lookJail,
  lookSocket,
  sharedKeys,
} from '../../src/tunnel/names.ts'
import { jailedKeepalive } from '../../src/tunnel/recovery.ts'
import { accountsIn, staying, together } from './gateway-units.ts'
import type { Closing } from './held-forwards.ts'

/** What no tunnel needs, whoever owns its port. Each line closes something that stays open without it. */
const closed: readonly Setting[] = [
  ['AuthenticationMethods', 'publickey'],
  ['AllowTcpForwarding', 'remote'],
  ['AllowAgentForwarding', 'no'],
  ['X11Forwarding', 'no'],
  ['PermitTunnel', 'no'],
  ['PermitOpen', 'none'],
  ['PermitTTY', 'no'],
  ['PermitUserRC', 'no'],
  ['ForceCommand', '/usr/sbin/nologin'],
  ['MaxSessions', '0'],
  // A listening forward is no open channel: this timeout would end every idle tunnel.
  ['UnusedConnectionTimeout', 'none', '9.2'],
]

/** For the account of devices whose ports sshd owns; on which ports each key may listen says its own `permitlisten`. */
export function sharedSettings(
  gateway: Gateway,
  { exposed, interval, countMax }: { exposed: boolean; interval: Late<string>; countMax: string },
): SshdSettings {
  return {
    match: `User ${gateway.tunnelAccount}`,
    user: gateway.tunnelAccount,
    settings: [
      ...closed,
      ['AuthorizedKeysFile', sharedKeys],
      ['AllowStreamLocalForwarding', 'no'],
      ['GatewayPorts', exposed ? 'clientspecified' : 'no'],
      ['ClientAliveInterval', interval],
      ['ClientAliveCountMax', countMax],
    ],
  }
}

/**
 * For devices with an account of their own: no TCP port at all, and a unix socket only in the one folder that is all
 * they see.
 */
export function jailedSettings(accounts: readonly string[]): SshdSettings {
  return {
    match: `User ${accounts.join(',')}`,
    user: accounts[0] ?? '',
    settings: [
      ...closed,
      ['AuthorizedKeysFile', `${keysFolder}/%u`],
      // Without it AllowTcpForwarding remote, which sshd wants for unix sockets too, would open any port from 1024 on.
      ['PermitListen', 'none'],
      ['AllowStreamLocalForwarding', 'remote'],
      ['StreamLocalBindUnlink', 'yes'],
      ['StreamLocalBindMask', '0177'],
      ['ChrootDirectory', jail('%u')],
      ['GatewayPorts', 'no'],
      ['ClientAliveInterval', String(jailedKeepalive.interval)],
      ['ClientAliveCountMax', String(jailedKeepalive.countMax)],
    ],
  }
}

const nothing: SshdSettings = { user: '', settings: [] }
/** Of files that all inventories on a gateway share. */
const everybodys = { inventory: '-' }
const matched = /^Match User (\S+)$/gm

/**
 * The drop-in for devices with an account of their own: these, and all others in it that do not go, for several
 * inventories may share a gateway.
 */
export function jailedDropIn(gateway: Gateway, accounts: readonly string[], closing: Closing): Resource {
  const dropIn = (names: readonly string[]) =>
    sshdSettings('00-reverse-tunnel', names.length > 0 ? { ...jailedSettings(names), mark: everybodys } : nothing)
  const own = dropIn(accounts)
  return {
    ...own,
    diff(now, seen) {
      const others = accountsIn(now, matched)
      const left = staying(others, gateway, closing, seen)
      // sshd was asked about an account of ours; where there is none, nothing but the list can be judged.
      if (accounts.length === 0 && others.length > 0 && left.length === others.length) return 'converged'
      return dropIn(together(accounts, left)).diff(now, seen)
    },
  }
}

/** What one inventory wants of the account that devices share. */
export interface Shared {
  /** Absent: no device of it shares the account. */
  readonly settings?: { readonly exposed: boolean; readonly interval: Late<string>; readonly countMax: string }
  /** Are these key lines of this inventory's devices. */
  readonly mine: (device: string) => boolean
}

/**
 * The drop-in for the account that devices share: it stays as long as anybody's key lines do, and suits all of them.
 */
export function sharedDropIn(gateway: Gateway, { settings, mine }: Shared, closing: Closing): Resource {
  const dropIn = (wanted: Shared['settings']) =>
    sshdSettings(
      '00-reverse-tunnel-shared',
      wanted ? { ...sharedSettings(gateway, wanted), mark: everybodys } : nothing,
    )
  return {
    ...dropIn(settings),
    diff(now, seen) {
      const others = linesOf(gateway, seen).filter(
        ({ comment, device }) => !mine(device) && !closing.keyLine(comment, seen),
      )
      const [account = gateway.tunnelAccount] = accountsIn(now, matched)
      if (!settings) return others.length > 0 ? 'converged' : dropIn(undefined).diff(now, seen)
      if (others.length > 0 && account !== gateway.tunnelAccount) return otherAccount(gateway, account)
      if (others.length === 0) return dropIn(settings).diff(now, seen)
      const present = /^\s+ClientAliveInterval (\d+)$/m.exec(now)?.[1]
      const interval: Late<string> = (all) => {
        const own = typeof settings.interval === 'function' ? settings.interval(all) : settings.interval
        return own === undefined || present === undefined ? own : String(Math.min(Number(own), Number(present)))
      }
      const exposed = settings.exposed || others.some(({ exposed: open }) => open)
      return dropIn({ ...settings, exposed, interval }).diff(now, seen)
    },
  }
}

/**
 * `GatewayPorts no` opens the usual loopback address whichever was asked for (sshd_config(5)); a key's permitlisten
 * rules.
 */
export const needsItsAddress = ({ bindAddress }: Pick<Forward, 'bindAddress'>) =>
  !['127.0.0.1', '::1'].includes(bindAddress)

function linesOf({ name }: Gateway, seen: Seen) {
  const rows = (seen.of(name, `file ${sharedKeys}`) ?? '').split('\n')
  return rows.flatMap((row) => {
    const forwards = parseHeldForwards(row)
    const [first] = forwards
    const comment = parseKeyLine(row)?.comment
    if (!first || comment === undefined) return []
    const exposed = forwards.some(needsItsAddress)
    return [{ comment, device: first.device, exposed }]
  })
}

function otherAccount({ name, tunnelAccount }: Gateway, account: string): Refused {
  return {
    refused: `tunnels of another inventory use the shared account ${account} on ${name}, and this inventory asks for ${tunnelAccount}`,
    hint: `write "tunnelAccount": "${account}" for ${name}`,
  }
}

/** For the account of enrolments: one fixed program, and nothing beside it. */
export function enrolSettings(account: string): SshdSettings {
  const settings = closed.filter(
    ([keyword]) => !['AllowTcpForwarding', 'ForceCommand', 'MaxSessions'].includes(keyword),
  )
  return {
    match: `User ${account}`,
    user: account,
    settings: [
      ...settings,
      ['AllowTcpForwarding', 'no'],
      ['AllowStreamLocalForwarding', 'no'],
      ['PermitListen', 'none'],
      ['GatewayPorts', 'no'],
      ['ForceCommand', enrolProgram],
      ['MaxSessions', '1'],
      ['AuthorizedKeysFile', enrolments],
    ],
  }
}

/**
 * For the account of watchers: no session. It connects to the forwards, and to the one socket in the folder that is
 * all it sees.
 */
export function lookSettings(id: string, forwards: readonly Forward[]): SshdSettings {
  const own = new Set(['AllowTcpForwarding', 'PermitOpen'])
  return {
    match: `User ${lookAccount(id)}`,
    user: lookAccount(id),
    settings: [
      ...closed.filter(([keyword]) => !own.has(keyword)),
      ['AllowTcpForwarding', 'local'],
      ['PermitOpen', [asked, ...new Set(forwards.map((forward) => printListener(reached(forward))))].sort().join(' ')],
      ['PermitListen', 'none'],
      ['AllowStreamLocalForwarding', 'local'],
      ['GatewayPorts', 'no'],
      ['ChrootDirectory', lookJail(id)],
      ['AuthorizedKeysFile', `${lookFolder(id)}/keys`],
      ['ClientAliveInterval', '15'],
      ['ClientAliveCountMax', '3'],
    ],
  }
}

/** sshd holds paths against the same list as addresses; only in brackets it takes one for an entry. */
const asked = `[${lookSocket}]:*`

/** As a proof asks for it. */
const reached = (forward: Forward) => ({ bindAddress: reachedOn(forward), port: forward.port })
