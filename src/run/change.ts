import type { ApplyStep } from '../playbook/playbook.ts'
import { troubleOf } from '../report/trouble.ts'
import { confirmingRoutes } from '../ssh/reach/reach.ts'
import { allEnded } from './all-ended.ts'
import type { Run } from './context.ts'
import { addChanges, hasFailed, type Member, observe, replaceSession } from './fleet.ts'
import type { ForwardProofs } from './forward-proofs.ts'
import { lastChangeOf } from './last-change.ts'
import { pinObserved } from './look.ts'
import { plan } from './plan/plan.ts'
import { changeReport, notKnown, refusal } from './preview.ts'
import { transact } from './transaction/transaction.ts'
import { beginTrial } from './trial.ts'

/** `proofs`: those of this run; the forwards of a device are proved as soon as its last change is live. */
export type Changing = Run & { readonly proofs: Pick<ForwardProofs, 'begin' | 'forget'> }

/** One step, on all hosts at once. */
export async function changeHosts(step: ApplyStep, stepNumber: number, run: Changing): Promise<void> {
  const { fleet, progress } = run
  const work = `step ${stepNumber + 1}`
  const isLastChange = lastChangeOf(stepNumber, run)
  progress.expect(work, [...fleet.members.keys()])
  await allEnded(
    [...fleet.members.values()].map(async (member) => {
      await run.context.changes(() => change(member, { step, stepNumber, isLastChange }, run))
      progress.over(work, member.host.name)
    }),
  )
}

interface StepUnderWay {
  readonly step: ApplyStep
  readonly stepNumber: number
  readonly isLastChange: ReturnType<typeof lastChangeOf>
}

/** Brings one host to what this step wants of it, or leaves it as it was. */
async function change(member: Member, { step, stepNumber, isLastChange }: StepUnderWay, run: Changing): Promise<void> {
  const { fleet, login, progress, end, proofs } = run
  const resources = step.hosts.get(member.host.name) ?? []
  const { changes, later, refused } = plan(resources, member.shown, fleet.seen)
  if (hasFailed(member) || !member.session || resources.length === 0) return
  if (refused[0]) return end(member, 'rejected', refusal({ refused }))
  if (later.length > 0) return end(member, 'rejected', { message: notKnown(later.map(({ id }) => id)) })
  if (changes.length === 0) return
  const { session } = member
  proofs.forget(member.host.name)
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
    const isTried = trial && changes.some(({ resource }) => trial.concerns(resource.id))
    const confirming = {
      ...run,
      login: () => login(member, { along: confirmingRoutes(member.host, session.via) }),
      onLive(shown: Member['shown']) {
        if (isLastChange(member, shown)) proofs.begin(member.host.name)
      },
      ...(isTried && { trial: () => beginTrial(member, trial, run) }),
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
