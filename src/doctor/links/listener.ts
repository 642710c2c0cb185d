import { printListener } from '../../inventory/forward.ts'
import type { Forward } from '../../inventory/model.ts'
import { quote } from '../../shell/sh.ts'
import {
  broken,
  type Case,
  type LinkVerdict,
  lacks,
  notAsWanted,
  ok,
  onHost,
  provisionCommand,
  unseen,
} from '../case.ts'
import { type Holder, holders, properties } from '../facts.ts'

/** Which programs hold the ports of the forwards on the gateway. */
export function listener(c: Case): LinkVerdict {
  const { gateway, forwards } = c.tunnel
  if (!c.gateway.facts) return unseen(`${gateway.name} was not reached`)
  if (lacks(c.gateway, 'ss')) return unseen(`${gateway.name} has no program ss(8), which tells who holds a port`)
  const verdicts = forwards.map((forward) => of(c, forward))
  return verdicts.find(({ state }) => state === 'broken') ?? ok(verdicts.map(({ says }) => says).join('; '))
}

function of(c: Case, forward: Forward): LinkVerdict {
  const facts = c.gateway.facts
  const where = printListener(forward)
  const here = holders(facts?.get(`port-${forward.port}`)).filter(({ address }) => meet(address, forward.bindAddress))
  return forward.listener === 'socket' ? ofSocket(c, forward, where, here) : ofSshd(c, where, here)
}

function ofSocket(c: Case, forward: Forward, where: string, here: readonly Holder[]): LinkVerdict {
  const { gateway, socketUnit } = c.tunnel
  const facts = c.gateway.facts
  const name = socketUnit(forward)
  const socket = properties(facts?.get(`socket-${forward.port}`))
  const proxy = properties(facts?.get(`proxy-${forward.port}`))
  const ours = here.some(({ program, pid }) => program === 'systemd' && pid === 1)
  const [other] = here
  if (other && !ours) {
    // A socket unit that failed because the port was in use tries again, one that was stopped does not.
    const stopped = socket.ActiveState === 'inactive'
    return held(
      c,
      where,
      other,
      stopped ? provisionCommand(c, gateway.name) : `${name} takes the port by itself, within seconds`,
    )
  }
  for (const [unit, { LoadState = '' }] of [
    [name, socket],
    [name.replace(/socket$/, 'service'), proxy],
  ] as const) {
    if (LoadState === 'masked')
      return notAsWanted(`${unit} on ${gateway.name} is masked`, provisionCommand(c, gateway.name))
    if (LoadState === 'not-found')
      return notAsWanted(`${gateway.name} has no ${unit}`, provisionCommand(c, gateway.name))
  }
  if (!ours) {
    const { ActiveState = 'unknown', Result = '' } = socket
    const why = Result && Result !== 'success' ? ` (${Result})` : ''
    return notAsWanted(
      `nothing listens on ${where} on ${gateway.name}: ${name} is ${ActiveState}${why}`,
      provisionCommand(c, gateway.name),
    )
  }
  if (proxy.ActiveState === 'failed')
    return broken(
      `the proxy from ${where} to the tunnel has failed: ${proxy.Id} (${proxy.Result})`,
      onHost(gateway.name, `journalctl -u ${proxy.Id} -n 20; systemctl reset-failed ${proxy.Id}`),
    )
  if (socket.UnitFileState && socket.UnitFileState !== 'enabled')
    return notAsWanted(
      `${name} on ${gateway.name} runs but is ${socket.UnitFileState}: after the next boot nothing would listen on ${where}`,
      provisionCommand(c, gateway.name),
    )
  return ok(`${where} is held by ${name}`)
}

/** Where sshd opens the port, that is the device's session while there is one, and nobody else. */
function ofSshd(c: Case, where: string, here: readonly Holder[]): LinkVerdict {
  const other = here.find(({ program, user }) => !program.startsWith('sshd') || user !== c.tunnel.account)
  if (other) return held(c, where, other, 'the tunnel takes the port by itself, within seconds')
  const [session] = here
  if (!session) return ok(`${where} is free for the tunnel`)
  const unit = properties(c.device.facts?.get('unit')).ActiveState
  if (unit !== undefined && unit !== 'active')
    return broken(
      `${where} on ${c.tunnel.gateway.name} is still held by a session of sshd whose device is gone, process ${session.pid}`,
      `keepalives end it soon, or ${onHost(c.tunnel.gateway.name, `kill ${session.pid}`)}`,
    )
  return ok(`${where} is held by a session of sshd, process ${session.pid}`)
}

function held(
  { tunnel: { gateway } }: Case,
  where: string,
  { program, pid, user, unit, command }: Holder,
  next: string,
) {
  const container = /^(docker-proxy|rootlessport|pasta|conmon)/.test(program)
  const service = !container && unit?.endsWith('.service') && !unit.startsWith('user@') ? unit : undefined
  const who = `${program}, process ${pid}${user ? ` of ${user}` : ''}${service ? `, of ${service}` : ''}`
  return broken(
    `${where} on ${gateway.name} is held by another program: ${who} (${command.slice(0, 80)})`,
    container
      ? `${onHost(gateway.name, `\`docker ps\` (or podman) shows the container that publishes that port`)}: publish it on another one; then ${next}`
      : `${onHost(gateway.name, service ? `systemctl stop ${quote(service)}` : `kill ${pid}`)}; then ${next}`,
  )
}

/** Do both exclude each other: the same address, or one of them is every address. */
const meet = (address: string, wanted: string) =>
  address === wanted || [address, wanted].some((each) => ['*', '0.0.0.0', '::'].includes(each))
