import type { VerifyStep } from '../playbook/playbook.ts'
import type { AwayReport, HostReport, RecoveryReport, Report, Trouble } from '../report/report.ts'
import type { Run } from './context.ts'
import { addChanges, type Fleet, hasFailed, type Member, reportOf } from './fleet.ts'
import { expectedDowntime } from './plan/downtime.ts'
import { driftSince } from './plan/drift.ts'
import { plan } from './plan/plan.ts'
import { preview } from './preview.ts'

export interface Decision {
  /** How long devices may be out of reach; absent: there is nothing to change. */
  readonly downtime?: readonly AwayReport[]
  /** Something is to be changed now. */
  readonly applies: boolean
  /** Nothing is touched: some host is not as it was when the plan was made, or the plan was not approved. */
  readonly isHeld: boolean
  /** What people are shown before anything moves. */
  readonly plan: Pick<Report, 'hosts' | 'recoveries' | 'away'>
}

/** Plans, before anything moves: a host that refuses one thing is left alone in all. */
export function decide(checks: readonly VerifyStep[], run: Run): Decision {
  const { fleet, end } = run
  const members = [...fleet.members.values()]
  const hosts = members.map((member): HostReport => {
    const { changes, refused } = preview(member, fleet)
    if (hasFailed(member)) return reportOf(member)
    if (refused) end(member, 'rejected', refused)
    if (run.command !== 'apply') addChanges(member, changes)
    return { ...reportOf(member), changes }
  })
  for (const member of members) {
    const why = run.command === 'apply' ? refusedGateways(member, fleet) : undefined
    if (why) end(member, 'rejected', why)
  }
  const drift = driftSince(run.planned ?? hosts, hosts)
  for (const member of members) {
    const why = drift.get(member.host.name)
    if (why) end(member, 'differs', why)
  }
  const something = hosts.some(({ changes }) => changes.length > 0)
  const recoveries = promises(checks, fleet)
  const downtime = something
    ? expectedDowntime(checks, hosts, { recoveries, confirmWithinSeconds: run.confirmWithinSeconds })
    : undefined
  return {
    ...(downtime && { downtime }),
    applies: run.command === 'apply' && something && drift.size === 0,
    isHeld: drift.size > 0,
    plan: { hosts, recoveries, ...(downtime && { away: downtime }) },
  }
}

/** A device whose gateways all refuse the plan is not changed for them. */
function refusedGateways({ host, resources, shown, end }: Member, fleet: Fleet): Trouble | undefined {
  if (host.role !== 'device' || end || host.forwards.length === 0) return undefined
  const names = [...new Set(host.forwards.map(({ gateway }) => gateway))]
  const refused = names.every((name) => fleet.members.get(name)?.end?.outcome === 'rejected')
  if (!refused || plan(resources, shown, fleet.seen).changes.length === 0) return undefined
  return { message: `not touched, since ${names.join(' and ')} refused their part of the plan` }
}

/** What is promised of the forwards of devices within the limit. */
export function promises(checks: readonly VerifyStep[], { members, seen }: Fleet): RecoveryReport[] {
  return checks.flatMap(({ forwards, recovery: promise }) =>
    forwards.flatMap((forward) => {
      const recovery = members.has(forward.device) ? promise(forward, seen) : undefined
      const { device, gateway, bindAddress, port } = forward
      return recovery ? [{ device, gateway, bindAddress, port, ...recovery }] : []
    }),
  )
}
