import type { Trouble } from '../report/report.ts'
import { troubleOf } from '../report/trouble.ts'
import type { Run } from '../run/context.ts'
import { addChanges, type Member, replaceSession } from '../run/fleet.ts'
import { askHost } from '../run/look.ts'
import { runTransaction } from '../run/transaction/transaction.ts'
import { confirmingRoutes } from '../ssh/reach/reach.ts'
import { lookBackScript, type PastRun, parsePast, undoScript } from './script.ts'

/** What one host goes through when a run is undone: a look, then one transaction, guarded like any other. */

/** What its last run was. Undefined where no run is kept, and where nobody could be asked. */
export async function lookBack(member: Member, run: Run): Promise<PastRun | undefined> {
  try {
    const stdout = await askHost(member, lookBackScript(), run)
    return stdout && parsePast(stdout)
  } catch (error) {
    run.end(member, 'unreachable', troubleOf(error))
    return undefined
  } finally {
    run.progress.over('look', member.host.name)
  }
}

/** The host becomes what it was before that run, or stays what it is. */
export async function goBack(member: Member, past: PastRun, run: Run): Promise<void> {
  const { login, progress, end, who, confirmWithinSeconds } = run
  const { session, host } = member
  if (!session) return
  progress.phase(host.name, `undo ${past.run}`)
  const id = `${run.runId}-0`
  const script = undoScript({ id, who, confirmWithinSeconds, ids: past.ids })
  try {
    const confirming = { ...run, login: () => login(member, { along: confirmingRoutes(host, session.via) }) }
    const result = await runTransaction(
      session,
      { id, confirmWithinSeconds, resources: [], script, fault: () => undefined },
      confirming,
    )
    if (result.session) replaceSession(member, result.session)
    if (result.outcome === 'changed') addChanges(member, past.changes)
    else end(member, result.outcome, explained(result.outcome, result.error))
  } catch (error) {
    end(member, 'unknown', troubleOf(error))
  }
}

function explained(outcome: string, error: Trouble | undefined): Trouble | undefined {
  if (!error || error.hint || outcome !== 'undone') return error
  return { ...error, hint: undoneHint }
}

const undoneHint =
  'the host is as that run left it; if the undo would have removed the only route to the host, change the inventory back ' +
  'and run that instead: a run opens the former forward before it closes the present one'
