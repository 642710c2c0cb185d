import type { Inventory } from '../inventory/model.ts'
import type { Playbook, VerifyStep } from '../playbook/playbook.ts'
import type { Outcome, ProofReport, Report } from '../report/report.ts'
import { exitCode } from '../report/report.ts'
import { tryProofs } from '../verify/proofs.ts'
import { approved } from './approve.ts'
import { type Changing, changeHosts } from './change.ts'
import { closeRun, openRun, type Run, type RunOptions } from './context.ts'
import { type Decision, decide, promises } from './decide.ts'
import { explainForwards } from './explain.ts'
import type { Fleet, Member } from './fleet.ts'
import { connectByFormerForwards } from './former-forwards.ts'
import { forwardProofs } from './forward-proofs.ts'
import { lookAtAll } from './look.ts'
import { leftAlone, unchecked } from './only-forwards.ts'
import { preview } from './preview.ts'
import { provePrivileges } from './privileges.ts'
import { proveMovedForwards } from './prove.ts'
import { holdForRenamed } from './renamed.ts'

/** The whole run: look at every host at once, plan, show, change step by step, prove every forward, report. */
export async function provision(inventory: Inventory, playbook: Playbook, options: RunOptions): Promise<Report> {
  const run = openRun(inventory, playbook(inventory), options, leftAlone(inventory, options))
  const checks = run.steps.filter((step) => step.kind === 'verify')

  const looks = lookAtAll(run)
  const proofs = forwardProofs(
    checks.flatMap(({ forwards }) => forwards),
    run,
  )
  await looks
  await connectByFormerForwards(run)
  holdForRenamed(run)
  await proofs.readmitAndWait()

  const decision = await approved(decide(checks, run), checks, run)
  if (decision.applies) await changeStepByStep(checks, { ...run, proofs })
  endTheRest(decision, run)

  const recoveries = promises(checks, run.fleet)
  const proved = decision.isHeld ? [] : await proofs.atTheEnd({ changed: decision.applies, recoveries })
  const forwards = await explainForwards(proved, run)
  const claims = await tryChecks(checks, decision, run)
  if (run.command === 'apply') for (const { keeps } of checks) if (keeps) await run.keep?.(keeps(run.fleet.seen))

  const { hosts, wire, ...head } = closeRun(run)
  return {
    ...head,
    exitCode: exitCode(hosts, [...forwards, ...claims], run.signal.aborted),
    hosts,
    forwards,
    recoveries,
    ...(decision.downtime && { away: decision.downtime }),
    ...(claims.length > 0 && { proofs: claims }),
    ...unchecked(inventory, run),
    pending: checks.flatMap(({ pending }) => pending?.(run.fleet.seen) ?? []),
    ...othersOnHosts(checks, run.fleet),
    wire,
  }
}

/** Each step on all its hosts, then the next. After Ctrl-C no step is begun. */
async function changeStepByStep(checks: readonly VerifyStep[], run: Changing): Promise<void> {
  for (const [number, step] of run.steps.entries()) {
    if (run.signal.aborted) return
    if (step.kind === 'apply') await changeHosts(step, number, run)
    if (step.kind === 'prove') await proveMovedForwards(step, promises(checks, run.fleet), run)
  }
}

/** Hosts that have not come to an end yet have come to a good one. */
function endTheRest({ isHeld }: Decision, run: Run): void {
  const held = isHeld || run.signal.aborted
  for (const member of run.fleet.members.values())
    if (!member.end) run.end(member, goodOutcome(member, { ...run, held }))
}

/** `held`: by Ctrl-C, by a no, or by a plan that does not hold any more; what was not done then still differs. */
function goodOutcome(
  member: Member,
  { fleet, command, held }: Pick<Run, 'fleet' | 'command'> & { held: boolean },
): Outcome {
  if (held && preview(member, fleet).changes.length > 0) return 'differs'
  if (member.changes.length === 0) return 'ok'
  return command === 'apply' ? 'changed' : 'differs'
}

/** What the playbook claims beyond its resources, and what keys must not be able to do where that was asked for. */
async function tryChecks(
  checks: readonly VerifyStep[],
  { isHeld }: Decision,
  run: Run,
): Promise<readonly ProofReport[]> {
  if (run.signal.aborted) return []
  return [
    ...(run.command === 'apply' && !isHeld ? await tryPlaybookProofs(checks, run.fleet) : []),
    ...(run.leastPrivilege ? await provePrivileges(checks, run) : []),
  ]
}

async function tryPlaybookProofs(checks: readonly VerifyStep[], { members, seen }: Fleet): Promise<ProofReport[]> {
  const wanted = checks.flatMap(({ proofs }) => [...(proofs ?? [])])
  const reports = await Promise.all(
    wanted.map(([host, proofs]) => tryProofs({ host, proofs, seen, session: members.get(host)?.session })),
  )
  return reports.flat()
}

/** Who else is known on the hosts of this run; absent where there is nobody. */
function othersOnHosts(checks: readonly VerifyStep[], { seen }: Fleet): Pick<Report, 'others'> {
  const others = checks.flatMap((check) => check.others?.(seen) ?? [])
  return others.length > 0 ? { others } : {}
}
