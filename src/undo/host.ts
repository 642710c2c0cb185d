import type { Trouble } from '../report/report.ts'
import { askHost, type Changing, troubleOf } from '../run/change.ts'
import type { Member } from '../run/fleet.ts'
import { runTransaction } from '../run/transaction/transaction.ts'
import { confirmingRoutes } from '../ssh/reach/reach.ts'
import { lookBackScript, type PastRun, parsePast, undoScript } from './script.ts'

/** What one host goes through when a run is taken back: a look, then one transaction, guarded like any other. */

/** What its last run was. Undefined where no run is kept, and where nobody could be asked. */
export async function lookBack(member: Member, changing: Changing): Promise<PastRun | undefined> {
  try {
    const stdout = await askHost(member, lookBackScript(), changing)
    return stdout && parsePast(stdout)
  } catch (error) {
    changing.end(member, 'unreachable', troubleOf(error))
    return undefined
  } finally {
    changing.progress.over('look', member.host.name)
  }
}

/** The host becomes what it was before that run, or stays what it is. */
export async function goBack(member: Member, past: PastRun, changing: Changing): Promise<void> {
  const { login, progress, end, who, confirmWithinSeconds } = changing
  const { session, host } = member
  if (!session) return
  progress.phase(host.name, `take back ${past.run}`)
  const id = `${changing.runId}-0`
  const script = undoScript({ id, who, confirmWithinSeconds, ids: past.ids })
  try {
    const ways = { ...changing.ways, login: () => login(member, { along: confirmingRoutes(host, session.via) }) }
    const result = await runTransaction(
      session,
      { id, confirmWithinSeconds, resources: [], script, fault: () => undefined },
      ways,
    )
    if (result.session) member.session = result.session
    if (result.outcome === 'changed') member.changes.push(...past.changes)
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
  'it is as that run left it; where its way in would have gone with the undo, edit the inventory back to what it was and run ' +
  'that instead: a run opens the former door before it closes this one'
