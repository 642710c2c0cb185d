import type { Forward, Inventory } from '../inventory/model.ts'
import type { Playbook, VerifyStep } from '../playbook/playbook.ts'
import type {
  AwayReport,
  ForwardReport,
  HostReport,
  Outcome,
  ProofReport,
  RecoveryReport,
  Report,
  Trouble,
} from '../report/report.ts'
import { exitCode } from '../report/report.ts'
import { tryProofs } from '../verify/proofs.ts'
import { allEnded } from './all-ended.ts'
import { type Changing, changeAll, lookAtHost, preview } from './change.ts'
import { assemble, type Fleet, hasFailed, type Member, reportOf } from './fleet.ts'
import { connectByFormerForwards } from './former-doors.ts'
import { leftAlone, unchecked } from './only-forwards.ts'
import { expectedDowntime } from './plan/downtime.ts'
import { driftSince } from './plan/drift.ts'
import { plan } from './plan/plan.ts'
import { provePrivileges } from './privileges.ts'
import { forwardsOfSameTunnels, proveMovedForwards, proveWithRetry } from './prove.ts'
import { readmit } from './readmit.ts'
import { holdForRenamed } from './renamed.ts'
import { changingOf, closed, type Run } from './run.ts'
import { lookAgain, mergeForwards, waitFor } from './wait.ts'
import { waitAsPromised } from './wait-as-promised.ts'

/** The whole run: look at every host at once, plan, show, change step by step, prove every forward, report. */
export async function provision(inventory: Inventory, playbook: Playbook, run: Run): Promise<Report> {
  const began = run.now()
  const steps = playbook(inventory)
  const alone = leftAlone(inventory, run)
  const fleet = assemble(inventory, steps, (name) => run.limit(name) && !alone(name), began)
  const members = [...fleet.members.values()]
  const changing = changingOf(fleet, run)
  const checks = steps.filter((step) => step.kind === 'verify')
  const wanted = checks.flatMap(({ forwards }) => forwards)

  run.progress.expect('look', [...fleet.members.keys()])
  const looks = members.map((member) => lookAtHost(member, changing))
  // Beside the look, not after it: what this proves stands when nothing has to change.
  const early = run.command === 'check' ? [] : proveWithRetry(wanted, fleet, inventory, run)
  await allEnded(looks)
  await connectByFormerForwards(inventory, changing, run)
  holdForRenamed(fleet, changing.end)
  const { met, explained } = readmit(inventory, fleet, run)
  const comeBack = async () => {
    const names = await met()
    const out = members.filter(({ host, failure }) => failure && names.includes(host.name))
    await Promise.all(out.map((member) => lookAgain(member, changing)))
    return wanted.filter(({ device }) => names.includes(device))
  }
  const proved = async (reports: readonly ForwardReport[], back: readonly Forward[]) =>
    back.length === 0 ? [...reports] : mergeForwards(reports, await proveWithRetry(back, fleet, inventory, run))
  const again = async (some: readonly ForwardReport[]) =>
    proved(await proveWithRetry(forwardsOfSameTunnels(wanted, some), fleet, inventory, run), await comeBack())
  const back = await comeBack()
  const known = run.command === 'check' ? [] : Promise.resolve(early).then((reports) => proved(reports, back))
  const first = run.waitMs === undefined ? known : await explained(await waitFor(await known, { changing, run, again }))
  const { away, moves, moved } = judge(fleet, checks, run, changing)
  if (moves) {
    for (const [number, step] of steps.entries()) {
      if (run.signal.aborted) break
      if (step.kind === 'apply') await changeAll(step, number, changing)
      if (step.kind === 'prove') await proveMovedForwards(step, promises(checks, fleet), { fleet, inventory, run })
    }
  }
  const how = { command: run.command, held: moved || run.signal.aborted }
  for (const member of members) if (!member.end) changing.end(member, success(member, fleet, how))
  const before = await first
  const latest = moves && !run.signal.aborted ? proveWithRetry(wanted, fleet, inventory, run) : before
  const recoveries = promises(checks, fleet)
  const forwards = moved ? [] : await waitAsPromised(latest, { changing, run, recoveries, again })

  const proofs = [
    ...(run.command === 'apply' && !moved && !run.signal.aborted ? await tried(checks, fleet) : []),
    ...(run.leastPrivilege && !run.signal.aborted ? await provePrivileges(checks, fleet, inventory, run) : []),
  ]
  if (run.command === 'apply') for (const { keeps } of checks) if (keeps) await run.keep?.(keeps(fleet.seen))
  const { hosts, wire, ...head } = closed(inventory, members, began, run)
  return {
    ...head,
    exitCode: exitCode(hosts, [...forwards, ...proofs], run.signal.aborted),
    hosts,
    forwards,
    recoveries,
    ...(away && { away }),
    ...(proofs.length > 0 && { proofs }),
    ...unchecked(inventory, run),
    pending: checks.flatMap(({ pending }) => pending?.(fleet.seen) ?? []),
    ...leftAloneOn(checks, fleet),
    wire,
  }
}

interface Judged {
  /** Absent: there is nothing to change. */
  readonly away?: readonly AwayReport[]
  readonly moves: boolean
  /** Some host is not as it was when the plan that is to be applied was made: none is touched. */
  readonly moved: boolean
}

/** The plan, before anything moves: a host that refuses one thing is left alone in all. */
function judge(fleet: Fleet, checks: readonly VerifyStep[], run: Run, { end }: Changing): Judged {
  const members = [...fleet.members.values()]
  const hosts = members.map((member): HostReport => {
    const { changes, refused } = preview(member, fleet)
    if (hasFailed(member)) return reportOf(member)
    if (refused) end(member, 'rejected', refused)
    if (run.command !== 'apply') member.changes.push(...changes)
    return { ...reportOf(member), changes }
  })
  for (const member of members) {
    const why = run.command === 'apply' ? refusedGateways(member, fleet) : undefined
    if (why) end(member, 'rejected', why)
  }
  const moved = driftSince(run.planned ?? hosts, hosts)
  for (const member of members) {
    const why = moved.get(member.host.name)
    if (why) end(member, 'differs', why)
  }
  const something = hosts.some(({ changes }) => changes.length > 0)
  const recoveries = promises(checks, fleet)
  const away = something
    ? expectedDowntime(checks, hosts, { recoveries, confirmWithinSeconds: run.confirmWithinSeconds })
    : undefined
  run.show({ hosts, recoveries, ...(away && { away }) })
  const moves = run.command === 'apply' && something && moved.size === 0
  return { ...(away && { away }), moves, moved: moved.size > 0 }
}

/** A device whose gateways all refuse the plan is not changed for them. */
function refusedGateways({ host, resources, shown, end }: Member, fleet: Fleet): Trouble | undefined {
  if (host.role !== 'device' || end || host.forwards.length === 0) return undefined
  const names = [...new Set(host.forwards.map(({ gateway }) => gateway))]
  const refused = names.every((name) => fleet.members.get(name)?.end?.outcome === 'rejected')
  if (!refused || plan(resources, shown, fleet.seen).changes.length === 0) return undefined
  return { message: `not touched, since ${names.join(' and ')} refused what it is to get there` }
}

/** Who else is known on the hosts of this run; absent where there is nobody. */
function leftAloneOn(checks: readonly VerifyStep[], { seen }: Fleet): Pick<Report, 'others'> {
  const others = checks.flatMap((check) => check.others?.(seen) ?? [])
  return others.length > 0 ? { others } : {}
}

/** What is promised of the forwards of devices within the limit. */
function promises(checks: readonly VerifyStep[], { members, seen }: Fleet): RecoveryReport[] {
  return checks.flatMap(({ forwards, recovery: promise }) =>
    forwards.flatMap((forward) => {
      const recovery = members.has(forward.device) ? promise(forward, seen) : undefined
      const { device, gateway, bindAddress, port } = forward
      return recovery ? [{ device, gateway, bindAddress, port, ...recovery }] : []
    }),
  )
}

/** `held`: by Ctrl-C, or by a plan that does not hold any more; what was not done then still differs. */
function success(member: Member, fleet: Fleet, { command, held }: { command: Run['command']; held: boolean }): Outcome {
  if (held && preview(member, fleet).changes.length > 0) return 'differs'
  if (member.changes.length === 0) return 'ok'
  return command === 'apply' ? 'changed' : 'differs'
}

async function tried(checks: readonly VerifyStep[], { members, seen }: Fleet): Promise<ProofReport[]> {
  const wanted = checks.flatMap(({ proofs }) => [...(proofs ?? [])])
  const reports = await Promise.all(
    wanted.map(([host, proofs]) => tryProofs({ host, proofs, seen, session: members.get(host)?.session })),
  )
  return reports.flat()
}
