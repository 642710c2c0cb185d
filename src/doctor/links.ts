import { gatewayLink, type LinkReport } from '../report/doctor/doctor.ts'
import { clean } from '../report/inert.ts'
import { routeText } from '../report/terminal/text.ts'
import { attemptOf, broken, type Case, type LinkVerdict, lacks, ok, onHost, provisionCommand, unseen } from './case.ts'
import { clock, deviceSshd, unit } from './links/device.ts'
import { deviceHostKey, forward, login } from './links/end.ts'
import { gatewayTrust, tunnelAccount } from './links/gateway.ts'
import { deviceKeyLine } from './links/key.ts'
import { listener } from './links/listener.ts'
import { firewall, gatewaySshd, name, penalties, route } from './links/network.ts'

/** All links, in the order in which a connection is made; the first two are our own logins. Pure: facts → verdicts. */
const links: readonly (readonly [string, (c: Case) => LinkVerdict])[] = [
  [gatewayLink, gateway],
  ['device', device],
  ['name', name],
  ['route', route],
  ['firewall', firewall],
  ['gateway sshd', gatewaySshd],
  ['penalties', penalties],
  ['gateway host key', gatewayTrust],
  ['account', tunnelAccount],
  ['key', deviceKeyLine],
  ['listener', listener],
  ['unit', unit],
  ['clock', clock],
  ['device sshd', deviceSshd],
  ['host key', deviceHostKey],
  ['forward', forward],
  ['login', login],
]

/** Up to the first broken one: what lies behind it is judged when it is mended. */
export function walk(c: Case): LinkReport[] {
  const reports: LinkReport[] = []
  for (const [link, look] of links) {
    const verdict = look(c)
    reports.push({ link, ...harmless(afterFailedRun(verdict, c)) })
    if (verdict.state === 'broken') break
  }
  return reports
}

/** It may quote other machines. */
const harmless = (verdict: LinkVerdict): LinkVerdict => ({
  ...verdict,
  says: clean(verdict.says).trim(),
  ...('mend' in verdict && { mend: clean(verdict.mend) }),
})

/**
 * What the last run there could not keep, the next one will not keep either: what was in its way comes first.
 */
function afterFailedRun(verdict: LinkVerdict, { gateway, device, tunnel }: Case): LinkVerdict {
  if (verdict.state !== 'broken' || verdict.mendedBy !== 'run') return verdict
  for (const [{ name }, { facts }] of [
    [tunnel.gateway, gateway],
    [tunnel.device, device],
  ] as const) {
    const [outcome = '', ...why] = (facts?.get('last-run') ?? '').split('\n').filter(Boolean)
    if (!/^(undone|rejected|undo-failed)$/.test(outcome)) continue
    return broken(
      `${verdict.says}; the last run on ${name} was ${outcome === 'rejected' ? 'refused there' : 'undone'}: ${why.join(' / ') || 'without a reason'}`,
      `first what was in the way of that run on ${name}; then ${verdict.mend}`,
    )
  }
  return verdict
}

function gateway(c: Case): LinkVerdict {
  const { error } = c.gateway
  const { name } = c.tunnel.gateway
  if (!error) return ok(`${name} accepts the login from this machine`)
  const attempt = attemptOf(c)
  const beside = !attempt
    ? ''
    : attempt.loggedIn
      ? `; ${c.tunnel.device.name} itself can log in there, so the fault is between here and ${name}`
      : `; ${c.tunnel.device.name} cannot log in there either: ${attempt.said}`
  return broken(
    `${name} cannot be asked: ${error.message}${beside}`,
    error.hint ?? `ssh ${name}: is it switched on, is its sshd up?`,
  )
}

function device(c: Case): LinkVerdict {
  const { error, via } = c.device
  const { name } = c.tunnel.device
  if (!error && lacks(c.device, 'ssh'))
    return broken(
      `${name} has no program ssh(1), which dials`,
      `${onHost(name, 'apt-get install openssh-client')}; then ${provisionCommand(c, name)}`,
    )
  if (!error) return ok(`${name} was reached ${via && routeText(via)}`)
  return unseen(
    `${name} cannot be asked: ${error.message}${error.kind === 'login' && error.hint ? `; ${error.hint}` : ''}`,
  )
}
