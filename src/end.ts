import type { Trouble } from './report/report.ts'
import type { Answer, Shown } from './script.ts'
import type { Session } from './session.ts'

/** What became of one transaction. */
export interface End {
  readonly outcome: 'changed' | 'rejected' | 'undone' | 'unknown'
  /** The newest session, when there is one: its login is what was confirmed. */
  readonly session?: Session
  readonly shown: ReadonlyMap<string, Shown>
  readonly error?: Trouble
}

/** How a transaction ended, from what the host answered last. */
export function ended({ outcome, failure, undoErrors, shown }: Answer, session: Session): End {
  if (outcome === 'confirmed') return { outcome: 'changed', session, shown }
  if (outcome === 'never') {
    return {
      outcome: 'rejected',
      session,
      shown,
      error: { message: 'the connection was lost before the host took the change' },
    }
  }
  if (outcome === 'locked') {
    const who = failure?.message.trim() || 'another run'
    return {
      outcome: 'rejected',
      session,
      shown,
      error: { message: `another run holds this host: ${who}`, hint: 'run again when it has ended' },
    }
  }
  const what = failure ? sentence(failure) : 'the host gave no reason'
  if (outcome === 'undo-failed') {
    const hint =
      'the host tries again at its next boot and at the next run; what was saved is in /var/lib/provision/current/saved'
    return {
      outcome: 'unknown',
      session,
      shown,
      error: { message: `${what}; and the undo failed: ${undoErrors ?? ''}`.trim(), hint },
    }
  }
  const undone = undoErrors ? `${what}; the undo complained: ${undoErrors.trim()}` : what
  return {
    outcome: outcome === 'rejected' ? 'rejected' : 'undone',
    session,
    shown,
    error: { message: undone, ...hintFor(failure) },
  }
}

function sentence({ phase, resource, code, message }: NonNullable<Answer['failure']>): string {
  const said = message.trim()
  if (phase === 'confirm' || phase === 'interrupted') return said
  if (phase === 'unmoved') return resource ? `${resource} has changed since it was looked at` : said
  const what = phase === 'arm' ? 'preparing for a power cut' : `${phase}${resource ? ` of ${resource}` : ''}`
  return `${what} failed with exit code ${code}${said ? `: ${said}` : ''}`
}

/** For an undo of what is no longer as its run left it. */
export const movedHint = 'put that back by hand, or change the inventory to what you want and run it'

function hintFor(failure: Answer['failure']): { hint?: string } {
  if (failure?.phase === 'unmoved')
    return { hint: failure.resource ? 'somebody changed it in the meantime: run again' : movedHint }
  if (failure?.phase === 'send') return { hint: 'is there room left on the file system of /var/lib/provision?' }
  return {}
}

/** The host does not answer any more. It does not need us to come to its end. */
export function unknown(patience: number, now: Date): End {
  const by = new Date(now.getTime() + patience * 1000).toTimeString().slice(0, 8)
  return {
    outcome: 'unknown',
    shown: new Map(),
    error: {
      message: `the connection was lost and the host does not answer; it settles by itself by ${by}`,
      hint: 'run again then',
    },
  }
}
