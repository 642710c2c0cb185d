import type { VerifyStep } from '../playbook/playbook.ts'
import { allEnded } from './all-ended.ts'
import type { Run } from './context.ts'
import { type Decision, decide } from './decide.ts'
import { hasFailed } from './fleet.ts'
import { lookAgain } from './look.ts'
import { driftSince } from './plan/drift.ts'

/**
 * So long a look is good for. Sessions that nobody uses stay open for that time, and what moves within it the host
 * finds itself: it looks at all that is to change once more before it touches anything.
 */
const freshMs = 30_000

/** `late yes`: what was looked at before the question may be out of date. Where nobody is asked it is a yes. */
export async function answerTo({ approve, now, signal }: Pick<Run, 'approve' | 'now' | 'signal'>) {
  if (!approve) return 'yes'
  const asked = now()
  if (!(await approve()) || signal.aborted) return 'no'
  return now() - asked > freshMs ? 'late yes' : 'yes'
}

/**
 * Shows the plan, and gives it as it was approved. After a long wait every host is looked at again, by a new login;
 * where its changes are others by then, the new plan is shown, and that one needs a yes.
 */
export async function approved(first: Decision, checks: readonly VerifyStep[], run: Run): Promise<Decision> {
  run.show(first.plan)
  for (let decision = first; ; ) {
    const answer = decision.applies ? await answerTo(run) : 'yes'
    if (answer === 'yes') return decision
    if (answer === 'no') return { ...decision, applies: false, isHeld: true }
    run.progress.note('the answer took a while: looking again')
    const names = await lookAtAllAgain(run)
    const again = decide(checks, run)
    const [before, after] = [decision, again].map(({ plan }) => plan.hosts.filter(({ name }) => names.has(name)))
    if (driftSince(before ?? [], after ?? []).size === 0) return again
    run.progress.note('the hosts have changed since; this is the plan now')
    run.show(again.plan)
    decision = again
  }
}

/** The names of those that were good until now. */
async function lookAtAllAgain(run: Run): Promise<ReadonlySet<string>> {
  const members = [...run.fleet.members.values()].filter((member) => !hasFailed(member))
  await allEnded(members.map((member) => lookAgain(member, run)))
  return new Set(members.map(({ host }) => host.name))
}
