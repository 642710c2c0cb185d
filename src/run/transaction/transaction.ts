import { ConnectError, RemoteError } from '../../errors.ts'
import type { Seen } from '../../resources/resource.ts'
import type { Session } from '../../ssh/session/session.ts'
import { plan } from '../plan/plan.ts'
import type { TransactionContext } from './context.ts'
import { type End, ended, shutOut, unknown } from './outcome.ts'
import {
  abandonScript,
  applyScript,
  confirmScript,
  parseAnswer,
  settleSeconds,
  type Transaction,
  type TransactionAnswer,
  watchScript,
} from './script.ts'

/**
 * Apply, then confirm by a fresh login, or learn what the host did instead. The host owns the outcome: whatever happens
 * to this process or its connections, the host ends wholly old or wholly new.
 */

/** Longest time for staging, a package from the mirror included, until the guard has something to say. */
const applyMs = 300_000
const answerMs = 30_000
/** A rollback proves what it has put back before it answers: services may take a while. */
const rollbackMs = answerMs + 2 * settleSeconds * 1000
/**
 * After a rollback, in seconds: a tunnel that was restarted has to be back, however short a confirmation was waited
 * for.
 */
const leastPatience = 30

/** A transaction on its way to a host. */
export interface Sent extends Pick<Transaction, 'id' | 'confirmWithinSeconds' | 'resources'> {
  /** Hands it over to the host. */
  readonly script: string
  /** What is wrong with what the host showed after the change: then it is not confirmed. */
  readonly fault: (answer: TransactionAnswer) => string | undefined
  /** The confirming login has to be shown one of these; none: whichever is pinned. */
  readonly hostKeys?: readonly string[]
}

export function transact(session: Session, wanted: Transaction, seen: Seen, context: TransactionContext): Promise<End> {
  const { id, confirmWithinSeconds, resources } = wanted
  const hostKeys = wanted.changes.flatMap(({ change }) => change.hostKeys ?? [])
  const fault = (answer: TransactionAnswer) => notConverged(wanted, answer, seen)
  return runTransaction(
    session,
    { id, confirmWithinSeconds, resources, script: applyScript(wanted), fault, hostKeys },
    context,
  )
}

/**
 * Whatever the transaction does: the host is left with it only when a fresh login has confirmed it. Nor is an undo
 * believed: a fresh login has to come in after it. Of all sessions only the one that it ends with stays open, and where
 * there is none the one that was there before.
 */
export async function runTransaction(session: Session, sent: Sent, context: TransactionContext): Promise<End> {
  const opened = new Set([session])
  const tracked: Tracked = {
    ...context,
    async login() {
      const fresh = await context.login()
      opened.add(fresh)
      return fresh
    },
    drop(other) {
      other?.close()
      if (other) opened.delete(other)
    },
  }
  let last: Session | undefined
  try {
    const end = await proved(await decided(session, sent, tracked), sent, tracked)
    last = end.session
    return end
  } finally {
    for (const each of opened) if (each !== (last ?? session)) each.close()
  }
}

interface Tracked extends TransactionContext {
  /** Closes a session that led nowhere. */
  readonly drop: (session: Session | undefined) => void
}

/** Applied, then confirmed or given up. */
async function decided(session: Session, sent: Sent, context: Tracked): Promise<End> {
  context.debug(`apply on ${session.host}`, sent.script)
  const began = await ask(session, sent.script, sent, applyMs)
  const applied = began ?? (await askAgain(watchScript(sent.id), sent, context))
  if (!applied) return unknown(sent.confirmWithinSeconds, context.clock())
  if (applied.answer.outcome !== 'waiting') return ended(applied.answer, applied.session)

  const reached = applied.session
  const broken = sent.fault(applied.answer)
  if (broken) return abandon(reached, sent, context, broken)
  context.onLive?.(applied.answer.shown)
  const trial = context.trial?.()
  const fresh = await freshLogin(sent, context)
  if (!('exec' in fresh)) return abandon(reached, sent, context, fresh.message)
  const refused = await trial?.verdict(fresh)
  const cleanedUp = trial?.cleanUp(fresh)
  if (refused) {
    const end = await abandon(reached, sent, context, refused.message)
    await cleanedUp
    return end.error && refused.hint ? { ...end, error: { ...end.error, hint: refused.hint } } : end
  }
  const answer = await ask(fresh, confirmScript(sent.id), sent, answerMs).catch(toError)
  await cleanedUp
  // Logged in, and of no use there: sudo is gone, say.
  if (answer instanceof Error) return abandon(reached, sent, context, answer.message)
  const confirmed = answer ?? (await askAgain(confirmScript(sent.id), sent, context))
  if (!confirmed) return unknown(sent.confirmWithinSeconds, context.clock())
  const end = ended(confirmed.answer, confirmed.session)
  return end.outcome === 'changed' ? { ...end, shown: applied.answer.shown } : end
}

/**
 * What the host says of its rollback is believed when it lets us in afresh. What runs may still be coming up, so a
 * refusal is no end.
 */
async function proved(end: End, { id, confirmWithinSeconds }: Sent, context: TransactionContext): Promise<End> {
  if (end.outcome !== 'undone') return end
  const deadline = context.now() + Math.max(confirmWithinSeconds, leastPatience) * 1000
  for (let pause = 250; ; pause = Math.min(2 * pause, 4000)) {
    try {
      return { ...end, session: await context.login() }
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      if (context.now() > deadline) return shutOut(end, id, error.message)
      await context.wait(pause)
    }
  }
}

interface Asked {
  readonly answer: TransactionAnswer
  readonly session: Session
}

function toError(error: unknown): RemoteError {
  if (error instanceof RemoteError) return error
  throw error
}

/** Undefined when the connection was lost before the answer: then only the host knows. */
async function ask(
  session: Session,
  script: string,
  { id, resources }: Pick<Sent, 'id' | 'resources'>,
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

/**
 * The script came to its end without handing the transaction over: the disk was full, or systemd did not take the
 * guard.
 */
function unsent(code: number, stderr: Buffer): TransactionAnswer {
  return { outcome: 'rejected', shown: new Map(), failure: { phase: 'send', code, message: stderr.toString('utf8') } }
}

/** Logs in again until the host has answered, for as long as it may take to settle by itself. */
async function askAgain(script: string, sent: Sent, context: Tracked): Promise<Asked | undefined> {
  const { confirmWithinSeconds } = sent
  const deadline = context.now() + (confirmWithinSeconds + 30) * 1000
  while (context.now() < deadline) {
    const session = await context.login().catch(() => undefined)
    const asked =
      session && (await ask(session, script, sent, rollbackMs + confirmWithinSeconds * 1000).catch(() => undefined))
    if (asked) return asked
    context.drop(session)
    await context.wait(500)
  }
  return undefined
}

/**
 * A login that was there before proves nothing: sshd keeps old sessions over a reload. Nor does one refused once mean
 * no.
 */
async function freshLogin(
  { confirmWithinSeconds, hostKeys = [] }: Sent,
  context: Tracked,
): Promise<Session | ConnectError> {
  const deadline = context.now() + confirmWithinSeconds * 500
  for (;;) {
    try {
      const session = await context.login()
      if (hostKeys.length === 0 || hostKeys.includes(session.hostKey)) return session
      context.drop(session)
      // A reload takes its time.
      throw new ConnectError('unreachable', 'the login still showed a host key from before the change')
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      if (error.kind !== 'unreachable' || context.now() > deadline) return error
      await context.wait(250)
    }
  }
}

async function abandon(session: Session, sent: Sent, context: Tracked, why: string): Promise<End> {
  const script = abandonScript(sent.id, why)
  const asked =
    (await ask(session, script, sent, rollbackMs).catch(() => undefined)) ?? (await askAgain(script, sent, context))
  return asked ? ended(asked.answer, asked.session) : unknown(sent.confirmWithinSeconds, context.clock())
}

/**
 * After all was activated, the host was looked at once more: anything but converged is a fault of ours, and is undone.
 */
function notConverged({ changes }: Transaction, { shown }: TransactionAnswer, seen: Seen): string | undefined {
  const changed = changes.map(({ resource }) => resource)
  const again = plan(changed, shown, seen)
  const first = again.changes[0]?.resource ?? again.refused[0]?.resource ?? again.later[0]
  if (!first) return undefined
  const why = again.changes[0]?.change.summary ?? again.refused[0]?.refused.refused ?? 'it cannot be told'
  return `after the change ${first.id} is still not as wanted: ${why}`
}
