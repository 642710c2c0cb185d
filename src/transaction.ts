import { type End, ended, unknown } from './end.ts'
import { ConnectError, RemoteError } from './errors.ts'
import { plan } from './plan.ts'
import type { Seen } from './resource.ts'
import {
  type Answer,
  abandonScript,
  applyScript,
  confirmScript,
  parseAnswer,
  type Transaction,
  watchScript,
} from './script.ts'
import type { Session } from './session.ts'

/**
 * Apply, then confirm by a fresh login, or learn what the host did instead. The host owns the outcome: whatever happens
 * to this process or its connections, the host ends wholly old or wholly new.
 */

export interface Ways {
  /** A new connection and login, along the way that the session at hand came. @throws ConnectError */
  readonly login: () => Promise<Session>
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
  /** The time on the wall, for people. */
  readonly clock: () => Date
  readonly debug: (title: string, text: string) => void
}

/** Longest time for staging, a package from the mirror included, until the guard has something to say. */
const applyMs = 300_000
const answerMs = 30_000

export async function transact(session: Session, wanted: Transaction, seen: Seen, ways: Ways): Promise<End> {
  const script = applyScript(wanted)
  ways.debug(`apply on ${session.host}`, script)
  const began = await ask(session, script, wanted, applyMs)
  const applied = began ?? (await askAgain(watchScript(wanted.id), wanted, ways))
  if (!applied) return unknown(wanted.patience, ways.clock())
  if (applied.answer.outcome !== 'waiting') return ended(applied.answer, applied.session)

  const reached = applied.session
  const broken = notConverged(wanted, applied.answer, seen)
  if (broken) return abandon(reached, wanted, ways, broken)
  const fresh = await freshLogin(wanted, ways)
  if (!('exec' in fresh)) return abandon(reached, wanted, ways, fresh.message)
  const confirmed =
    (await ask(fresh, confirmScript(wanted.id), wanted, answerMs)) ??
    (await askAgain(confirmScript(wanted.id), wanted, ways))
  if (!confirmed) return unknown(wanted.patience, ways.clock())
  if (confirmed.session !== reached) reached.close()
  const end = ended(confirmed.answer, confirmed.session)
  return end.outcome === 'changed' ? { ...end, shown: applied.answer.shown } : end
}

interface Asked {
  readonly answer: Answer
  readonly session: Session
}

/** Undefined when the connection was lost before the answer: then only the host knows. */
async function ask(
  session: Session,
  script: string,
  { id, resources }: Transaction,
  timeoutMs: number,
): Promise<Asked | undefined> {
  try {
    const options = { timeoutMs, privileged: true }
    const { code, stdout, stderr } = await session.exec(script, options)
    const answer = parseAnswer(stdout, resources)
    if (answer) return { answer, session }
    // It may have been ended after it had handed over: only the host knows.
    const watched = parseAnswer((await session.exec(watchScript(id), options)).stdout, resources)
    if (watched && watched.outcome !== 'never') return { answer: watched, session }
    return { answer: unsent(code, stderr), session }
  } catch (error) {
    if (error instanceof RemoteError && (error.kind === 'lost' || error.kind === 'timeout')) return undefined
    throw error
  }
}

/** The script came to its end without handing the transaction over: the disk was full, or systemd did not take the guard. */
function unsent(code: number, stderr: Buffer): Answer {
  return { outcome: 'rejected', shown: new Map(), failure: { phase: 'send', code, message: stderr.toString('utf8') } }
}

/** Logs in again until the host has answered, for as long as it may take to settle by itself. */
async function askAgain(script: string, wanted: Transaction, ways: Ways): Promise<Asked | undefined> {
  const { patience } = wanted
  const deadline = ways.now() + (patience + 30) * 1000
  while (ways.now() < deadline) {
    const session = await ways.login().catch(() => undefined)
    const asked = session && (await ask(session, script, wanted, answerMs + patience * 1000).catch(() => undefined))
    if (asked) return asked
    session?.close()
    await ways.wait(500)
  }
  return undefined
}

/** A login that was there before proves nothing: sshd keeps old sessions over a reload. Nor does one refused once mean no. */
async function freshLogin({ patience, changes }: Transaction, ways: Ways): Promise<Session | ConnectError> {
  const deadline = ways.now() + patience * 500
  const expected = changes.flatMap(({ change }) => change.hostKeys ?? [])
  for (;;) {
    try {
      const session = await ways.login()
      if (expected.length === 0 || expected.includes(session.hostKey)) return session
      session.close()
      // A reload takes its time.
      throw new ConnectError('unreachable', 'the login still showed a host key from before the change')
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      if (error.kind !== 'unreachable' || ways.now() > deadline) return error
      await ways.wait(250)
    }
  }
}

async function abandon(session: Session, wanted: Transaction, ways: Ways, why: string): Promise<End> {
  const script = abandonScript(wanted.id, why)
  const asked =
    (await ask(session, script, wanted, answerMs).catch(() => undefined)) ?? (await askAgain(script, wanted, ways))
  return asked ? ended(asked.answer, asked.session) : unknown(wanted.patience, ways.clock())
}

/** After all was activated, the host was looked at once more: anything but converged is a fault of ours, and is undone. */
function notConverged({ changes }: Transaction, { shown }: Answer, seen: Seen): string | undefined {
  const changed = changes.map(({ resource }) => resource)
  const again = plan(changed, shown, seen)
  const first = again.changes[0]?.resource ?? again.refused[0]?.resource ?? again.later[0]
  if (!first) return undefined
  const why = again.changes[0]?.change.summary ?? again.refused[0]?.refused.refused ?? 'it cannot be told'
  return `after the change ${first.id} is still not as wanted: ${why}`
}
