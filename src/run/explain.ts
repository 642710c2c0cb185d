import { type Examination, examine } from '../doctor/examine.ts'
import { tunnelPartsOf } from '../doctor/tunnel.ts'
import { asProvisionError, ProvisionError } from '../errors.ts'
import type { Device, Gateway } from '../inventory/model.ts'
import type { LinkReport } from '../report/doctor/doctor.ts'
import { brokenLinks, gatewayLink } from '../report/doctor/doctor.ts'
import type { ForwardReport, Trouble } from '../report/report.ts'
import type { Session } from '../ssh/session/session.ts'
import type { Run } from './context.ts'
import { hasFailed } from './fleet.ts'

/** Of so many devices the doctor is asked: where more are down at once, one cause is likely behind them. */
const mostDevices = 10

/**
 * What `doctor` says of each forward that does not reach its device, told with it. Not asked where the run itself has
 * failed on one of the two machines: that is the cause, and told there.
 */
export async function explainForwards(forwards: readonly ForwardReport[], run: Run): Promise<ForwardReport[]> {
  const { inventory, fleet, only, signal } = run
  if (only === 'forwards' || signal.aborted) return [...forwards]
  const down = forwards.filter(({ state }) => state !== 'ok')
  const failedOn = ({ device, gateway }: ForwardReport) =>
    run.command === 'apply' ? [gateway, device].find((name) => hasFailed(fleet.members.get(name))) : undefined
  const asked = down.filter((report) => failedOn(report) === undefined)
  const names = [...new Set(asked.map(({ device }) => device))].slice(0, mostDevices)
  const found = new Map<string, LinkReport>()
  await Promise.all(
    inventory.devices
      .filter(({ name }) => names.includes(name))
      .flatMap((device) => {
        const own = asked.filter((report) => report.device === device.name)
        const gateways = inventory.gateways.filter(({ name }) => own.some(({ gateway }) => gateway === name))
        return gateways.map(async (gateway) => {
          const link = await firstBrokenLink(device, gateway, run, { forwards })
          if (link) found.set(`${device.name} ${gateway.name}`, link)
        })
      }),
  )
  return forwards.map((report) => {
    if (report.state === 'ok') return report
    const failed = failedOn(report)
    const link = found.get(`${report.device} ${report.gateway}`)
    const error = failed === undefined ? link && explained(report, link, run) : afterFailure(report, failed)
    return error ? { ...report, error } : report
  })
}

/** What this very run would have mended is no way to mend it. */
function explained({ error }: ForwardReport, link: LinkReport, { command }: Run): Trouble {
  const hint = link.mendedBy === 'run' && command === 'apply' ? error?.hint : (link.mend ?? error?.hint)
  const lines = [...(error ? [error.message] : []), `broken link: ${link.link}: ${link.says}`]
  return { message: lines.join('\n'), ...(hint && { hint }) }
}

const afterFailure = ({ error }: ForwardReport, failed: string): Trouble | undefined =>
  error && { message: error.message, hint: `first mend what went wrong on ${failed}, then run again` }

/**
 * The first broken link of a device's tunnel to this gateway, over the sessions that the run has. Undefined: none was
 * found, or the gateway could not be asked.
 */
export async function firstBrokenLink(
  device: Device,
  gateway: Gateway,
  run: Run,
  known: Pick<Examination, 'tried' | 'forwards'> & { readonly sessions?: ReadonlyMap<string, Session> },
): Promise<LinkReport | undefined> {
  const { sessions, ...evidence } = known
  const opened: Session[] = []
  const logIn = async (host: Device | Gateway) => {
    const session = await run.reach(host, run.context, { signal: run.signal })
    opened.push(session)
    return session
  }
  const session = async (host: Device | Gateway) => {
    const { session: own, failure } = run.fleet.members.get(host.name) ?? {}
    if (failure instanceof ProvisionError) return failure
    return sessions?.get(host.name) ?? own ?? logIn(host).catch(asProvisionError)
  }
  const report = await examine({
    ...{ inventory: run.inventory.file, device, tunnels: tunnelPartsOf(device, [gateway]) },
    ...{ context: run.context, session, now: run.now, debug: run.debug },
    ...evidence,
  })
  for (const each of opened) each.close()
  const [link] = brokenLinks(report.tunnels)
  return link?.link === gatewayLink ? undefined : link
}
