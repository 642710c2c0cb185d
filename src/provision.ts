import { type Changing, change, look, preview } from './change.ts'
import { assemble, type Fleet, hasFailed, type Member, reportOf } from './fleet.ts'
import type { Inventory } from './inventory/model.ts'
import type { Playbook, Step } from './playbook.ts'
import { provePrivileges } from './privileges.ts'
import { prove } from './prove.ts'
import { exitCode, type Outcome, type ProofReport, type RecoveryReport, type Report } from './report/report.ts'
import { changingOf, closed, type Run } from './run.ts'
import { tryProofs } from './verify/proofs.ts'

/** The whole run: look at every host at once, plan, show, change step by step, prove every forward, report. */
export async function provision(inventory: Inventory, playbook: Playbook, run: Run): Promise<Report> {
  const began = run.now()
  const steps = playbook(inventory)
  const fleet = assemble(inventory, steps, run.limit, began)
  const members = [...fleet.members.values()]
  const changing = changingOf(fleet, run)
  const checks = steps.flatMap((step) => (step.kind === 'checked' ? step.forwards : []))

  const looks = members.map((member) => look(member, changing))
  // Beside the look, not after it: what this proves stands when nothing has to change.
  const early = run.command === 'check' ? [] : prove(checks, fleet, inventory, run)
  await Promise.all(looks)
  const moving = judge(fleet, steps, run, changing) && run.command === 'apply'
  if (moving) {
    for (const [number, step] of steps.entries()) {
      if (step.kind === 'checked' || run.signal.aborted) continue
      await Promise.all(members.map((member) => change(member, step, number, changing)))
    }
  }
  for (const member of members) if (!hasFailed(member)) changing.end(member, success(member, fleet, run))
  const before = await early
  const forwards = moving && !run.signal.aborted ? await prove(checks, fleet, inventory, run) : before

  const proofs = [
    ...(run.command === 'apply' && !run.signal.aborted ? await tried(steps, fleet) : []),
    ...(run.leastPrivilege && !run.signal.aborted ? await provePrivileges(steps, fleet, inventory, run) : []),
  ]
  const { hosts, wire, ...head } = closed(inventory, members, began, run)
  return {
    ...head,
    exitCode: exitCode(hosts, [...forwards, ...proofs], run.signal.aborted),
    hosts,
    forwards,
    recoveries: promises(steps, fleet),
    ...(proofs.length > 0 && { proofs }),
    pending: steps.flatMap((step) => (step.kind === 'checked' ? (step.pending?.(fleet.seen) ?? []) : [])),
    wire,
  }
}

/** The plan, before anything moves: a host that refuses one thing is left alone in all. Is there anything to change? */
function judge(fleet: Fleet, steps: readonly Step[], run: Run, { end }: Changing): boolean {
  const planned = [...fleet.members.values()].map((member) => {
    const { changes, refused } = preview(member, fleet)
    if (hasFailed(member)) return reportOf(member)
    if (refused) end(member, 'rejected', refused)
    if (run.command !== 'apply') member.changes.push(...changes)
    return { ...reportOf(member), changes }
  })
  run.show({ hosts: planned, recoveries: promises(steps, fleet) })
  return planned.some(({ changes }) => changes.length > 0)
}

/** What is promised of the forwards of devices within the limit. */
function promises(steps: readonly Step[], { members, seen }: Fleet): RecoveryReport[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'checked') return []
    return step.forwards.flatMap((forward) => {
      const recovery = members.has(forward.device) ? step.recovery(forward, seen) : undefined
      const { device, gateway, bindAddress, port } = forward
      return recovery ? [{ device, gateway, bindAddress, port, ...recovery }] : []
    })
  })
}

function success(member: Member, fleet: Fleet, { command, signal }: Run): Outcome {
  if (signal.aborted && preview(member, fleet).changes.length > 0) return 'differs'
  if (member.changes.length === 0) return 'ok'
  return command === 'apply' ? 'changed' : 'differs'
}

async function tried(steps: readonly Step[], { members, seen }: Fleet): Promise<ProofReport[]> {
  const wanted = steps.flatMap((step) => (step.kind === 'checked' ? [...(step.proofs ?? [])] : []))
  const reports = await Promise.all(
    wanted.map(([host, proofs]) => tryProofs({ host, proofs, seen, session: members.get(host)?.session })),
  )
  return reports.flat()
}
