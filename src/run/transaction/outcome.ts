import type { Trouble } from '../../report/report.ts'
import type { Session } from '../../ssh/session/session.ts'
import type { Observation } from '../plan/observation.ts'
import type { TransactionAnswer } from './script.ts'

/** What became of one transaction. */
export interface End {
  readonly outcome: 'changed' | 'rejected' | 'undone' | 'undo-failed' | 'unknown'
  /** The newest session, when there is one: its login is what was confirmed. */
  readonly session?: Session
  readonly shown: ReadonlyMap<string, Observation>
  readonly error?: Trouble
}

/** How a transaction ended, from what the host answered last. */
export function ended(answer: TransactionAnswer, session: Session): End {
  const { outcome, failure, undoErrors, shown } = answer
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
  if (outcome === 'undo-failed') return { outcome, session, shown, error: notUndone(what, answer) }
  const undone = undoErrors ? `${what}; the undo complained: ${undoErrors.trim()}` : what
  return {
    outcome: outcome === 'rejected' ? 'rejected' : 'undone',
    session,
    shown,
    error: { message: undone, ...hintFor(failure) },
  }
}

/** What is not as before, and what to do about it at the console: this host may let nobody in. */
function notUndone(what: string, { failure, undoErrors, left = [] }: TransactionAnswer): Trouble {
  const complaint = undoErrors?.trim()
  const parts = [
    ...(failure?.phase === 'earlier' ? [what] : [`${what}; and it could not be undone`]),
    ...(left.length > 0 ? [`not as before: ${left.join(', ')}`] : []),
    ...(complaint ? [`the undo complained: ${complaint}`] : []),
  ]
  return {
    message: parts.join('\n'),
    hint: [
      `at its console \`sudo sh ${current}/guard.sh undo\` tries again and says what is not as before`,
      `what was there is kept in ${current}/saved, where the file N is the one on line N of saved/paths`,
      `once it is mended by hand, \`sudo sh ${current}/guard.sh accept\` ends it`,
      'the host itself tries again at its next boot and with the next run that changes it',
    ].join('; '),
  }
}

const current = '/var/lib/provision/current'

/** The host has proved that all is as it was, but does not let us in any more. */
export function shutOut({ outcome: _, session: __, ...undone }: End, id: string, why: string): End {
  return {
    ...undone,
    outcome: 'undo-failed',
    error: {
      message: [
        ...(undone.error ? [undone.error.message] : []),
        `it says that it is as before, but no login gets in any more: ${why}`,
      ].join('\n'),
      hint: [
        'at its console see `systemctl status ssh` and `journalctl -u ssh`, then `sudo systemctl restart ssh`, or boot it: its files are as before',
        `what was replaced is kept in /var/lib/provision/history/${id}/saved, where the file N is the one on line N of saved/paths`,
        'run again once it lets you in',
      ].join('; '),
    },
  }
}

function sentence({ phase, resource, code, message }: NonNullable<TransactionAnswer['failure']>): string {
  const said = message.trim()
  if (phase === 'confirm' || phase === 'interrupted') return said
  if (phase === 'earlier')
    return `nothing was changed here: an earlier change of ${said || 'another run'} could not be undone`
  if (phase === 'unmoved') return resource ? `${resource} has changed since it was looked at` : said
  const what = phase === 'arm' ? 'preparing for a power cut' : `${phase}${resource ? ` of ${resource}` : ''}`
  return `${what} failed with exit code ${code}${said ? `: ${said}` : ''}`
}

/** For an undo of what is no longer as its run left it. */
export const movedHint = 'put that back by hand, or change the inventory to what you want and run it'

function hintFor(failure: TransactionAnswer['failure']): { hint?: string } {
  if (failure?.phase === 'unmoved')
    return { hint: failure.resource ? 'somebody changed it in the meantime: run again' : movedHint }
  if (failure?.phase === 'send') return { hint: 'is there room left on the file system of /var/lib/provision?' }
  return {}
}

/** The host does not answer any more. It does not need us to come to its end. */
export function unknown(confirmWithinSeconds: number, now: Date): End {
  const by = new Date(now.getTime() + confirmWithinSeconds * 1000).toTimeString().slice(0, 8)
  return {
    outcome: 'unknown',
    shown: new Map(),
    error: {
      message: `the connection was lost and the host does not answer; it settles by itself by ${by}`,
      hint: 'run again then',
    },
  }
}
