import type { Inventory } from '../inventory/model.ts'
import { exitCode, type Report } from '../report/report.ts'
import { allEnded } from '../run/all-ended.ts'
import { answerTo } from '../run/approve.ts'
import { closeRun, openRun, type Run, type RunOptions } from '../run/context.ts'
import { addChanges, hasFailed, type Member, planUndo, reportOf, startAgain } from '../run/fleet.ts'
import { proveWithinLimit } from '../run/prove.ts'
import { choose, failedRouteTo, objection } from './choice.ts'
import { goBack, lookBack } from './host.ts'
import type { PastRun } from './script.ts'

/**
 * `provision undo`: the hosts that the last confirmed run changed become what they were before it. Devices first, as
 * the reverse of the steps: a gateway may be their way in. `named`: only where that run is the last one.
 */
export async function takeBack(inventory: Inventory, options: RunOptions, named?: string): Promise<Report> {
  const run = openRun(inventory, [], options)
  const { fleet } = run
  const members = [...fleet.members.values()]

  const pasts = new Map<Member, PastRun>()
  run.progress.expect('look', [...fleet.members.keys()])
  await allEnded(
    members.map(async (member) => {
      const past = await lookBack(member, run)
      if (past) pasts.set(member, past)
    }),
  )
  const taken = choose(members, pasts, named)
  for (const member of members) {
    const past = pasts.get(member)
    const here = past !== undefined && past.run === taken.run
    if (here) planUndo(member, { run: past.run, who: past.who })
    const refused = taken.none ?? (here ? objection(past) : undefined)
    if (refused && !hasFailed(member)) run.end(member, 'rejected', refused)
  }
  let held = false
  const going = (member: Member) => (member.takesBack && !hasFailed(member) ? pasts.get(member) : undefined)
  run.show({
    hosts: members.map((member) => ({ ...reportOf(member), changes: going(member)?.changes ?? [] })),
    recoveries: [],
  })
  if (run.command === 'undo' && members.some(going)) {
    const answer = await answerTo(run)
    held = answer === 'no'
    if (answer === 'late yes') await lookBackAgain(members.filter(going), pasts, run)
  }
  for (const role of ['device', 'gateway']) {
    await allEnded(
      members.map(async (member) => {
        const past = going(member)
        if (!past || member.host.role !== role || held) return
        const waits = member.host.role === 'gateway' && failedRouteTo(member.host, inventory, fleet)
        if (waits) run.end(member, 'rejected', waits)
        else if (run.command !== 'undo') addChanges(member, past.changes)
        else if (!run.signal.aborted) await goBack(member, past, run)
      }),
    )
  }
  for (const member of members) {
    if (hasFailed(member)) continue
    const left = going(member) && (run.command !== 'undo' || member.changes.length === 0)
    run.end(member, left ? 'differs' : member.changes.length > 0 ? 'changed' : 'ok')
  }
  const all = inventory.devices.flatMap(({ forwards }) => forwards)
  const forwards = run.command === 'undo' && !run.signal.aborted && !held ? await proveWithinLimit(all, run) : []

  const { hosts, wire, ...head } = closeRun(run)
  return {
    ...head,
    // Before that run a forward may not have been there, or not have worked.
    exitCode: exitCode(hosts, [], run.signal.aborted),
    hosts,
    forwards,
    recoveries: [],
    wire,
  }
}

/** By a new login, since the answer took a while. What another run has changed meanwhile is left alone. */
async function lookBackAgain(members: readonly Member[], pasts: Map<Member, PastRun>, run: Run): Promise<void> {
  await allEnded(
    members.map(async (member) => {
      startAgain(member)
      const past = await lookBack(member, run)
      const moved = past?.run === pasts.get(member)?.run ? past && objection(past) : changedMeanwhile
      if (past) pasts.set(member, past)
      if (moved && !hasFailed(member)) run.end(member, 'rejected', moved)
    }),
  )
}

const changedMeanwhile = {
  message: 'another run has changed this host while the question was open',
  hint: 'nothing was touched here; run the undo again',
}
