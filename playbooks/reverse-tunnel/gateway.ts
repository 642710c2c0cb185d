import type { Gateway, Late, Setting, SshdSettings } from '../../src/index.ts'
import { enrolments, enrolProgram, jail, keysFolder, sharedKeys } from './names.ts'

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
 * they see. A dead session holds nothing that the next one needs, so it may be noticed at leisure.
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
      ['ClientAliveInterval', '15'],
      ['ClientAliveCountMax', '3'],
    ],
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
