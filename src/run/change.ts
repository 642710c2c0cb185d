import type { ApplyStep } from '../playbook/playbook.ts'
import { troubleOf } from '../report/trouble.ts'
import { confirmingRoutes } from '../ssh/reach/reach.ts'
import type { Session } from '../ssh/session/session.ts'
import { allEnded } from './all-ended.ts'
import type { Run } from './context.ts'
import { addChanges, hasFailed, type Member, observe, replaceSession } from './fleet.ts'
import { pinObserved } from './look.ts'
import { plan } from './plan/plan.ts'
import { changeReport, notKnown, refusal } from './preview.ts'
import { transact } from './transaction/transaction.ts'
import { tryOn } from './trial.ts'

/** One step, on all hosts at once. */
export async function changeHosts(step: ApplyStep, stepNumber: number, run: Run): Promise<void> {
  const { fleet, progress } = run
  const work = `step ${stepNumber + 1}`
  progress.expect(work, [...fleet.members.keys()])
  await allEnded(
    [...fleet.members.values()].map(async (member) => {
      await run.context.changes(() => change(member, step, stepNumber, run))
      progress.over(work, member.host.name)
    }),
  )
}

/** Brings one host to what this step wants of it, or leaves it as it was. */
async function change(member: Member, step: ApplyStep, stepNumber: number, run: Run): Promise<void> {
  const { fleet, login, progress, end } = run
  const resources = step.hosts.get(member.host.name) ?? []
  const { changes, later, refused } = plan(resources, member.shown, fleet.seen)
  if (hasFailed(member) || !member.session || resources.length === 0) return
  if (refused[0]) return end(member, 'rejected', refusal({ refused }))
  if (later.length > 0) return end(member, 'rejected', { message: notKnown(later.map(({ id }) => id)) })
  if (changes.length === 0) return
  const { session } = member
  progress.phase(member.host.name, `apply ${changes.map(({ resource }) => resource.id).join(', ')}`)
  const transaction = {
    id: `${run.runId}-${stepNumber}`,
    who: run.who,
    confirmWithinSeconds: run.confirmWithinSeconds,
    resources,
    changes,
    before: member.shown,
  }
  try {
    const trial = step.trials?.get(member.host.name)
    const confirming = {
      ...run,
      login: () => login(member, { along: confirmingRoutes(member.host, session.via) }),
      ...(trial && { trial: (fresh: Session) => tryOn(member, fresh, trial, run) }),
    }
    const result = await transact(session, transaction, fleet.seen, confirming)
    const newest = result.session ?? session
    replaceSession(member, newest)
    observe(member, result.shown)
    if (result.outcome !== 'changed') return end(member, result.outcome, result.error)
    const renewed = changes.flatMap(({ change: { hostKeys } }) => hostKeys ?? [])
    if (renewed.length > 0) await run.pins.keep(member.host, [...renewed, ...newest.hostKeys()])
    await pinObserved(member, resources, run)
    addChanges(member, changes.map(changeReport))
  } catch (error) {
    end(member, 'unknown', troubleOf(error))
  }
}
