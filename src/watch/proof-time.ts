import type { ForwardState } from '../report/report.ts'

/** When a forward is proved again. Pure. */

/** What is known of a forward from its last proof. */
export interface LastProof {
  /** When it was begun. Milliseconds. */
  readonly at: number
  readonly state: ForwardState
  /** The session of sshd that it went through; absent: there was none. */
  readonly session: number | undefined
}

/** What the gateway shows of it now. */
export interface Shown {
  readonly session: number | undefined
  /** Seconds since its connection was heard. */
  readonly silentFor: number | undefined
}

export interface ProofRules {
  /** Between two looks. */
  readonly everyMs: number
  /** Between two proofs of a tunnel at which nothing is to be seen: `restMs`. */
  readonly restMs: number
  /** A living tunnel is never silent for as long. */
  readonly silentSeconds: number
}

/**
 * How long each of so many rests: all are proved at each look where there are few, else one in a second. `place`, from
 * 0 to 1: not all at once, each a little sooner or later than the others.
 */
export function restMs(forwards: number, everyMs: number, place: number): number {
  const rest = forwards <= few ? 0 : forwards * 1000 * (0.75 + 0.5 * place)
  return Math.max(eachLookMs(everyMs), rest)
}

const few = 30

/** Since the proof at the last look, also where that was begun a little late. News make no more proofs than that. */
const eachLookMs = (everyMs: number) => 0.75 * everyMs

/**
 * At once where another session is there, or none any more, and where the session's connection has fallen silent.
 * What is not well is tried again at each look, but for a tunnel that is gone or silent: the gateway shows when that
 * changes.
 */
export function isDue(last: LastProof | undefined, shown: Shown | undefined, now: number, rules: ProofRules): boolean {
  if (!last) return true
  const age = now - last.at
  if (age >= rules.restMs) return true
  if (!shown) return last.state !== 'ok' && age >= eachLookMs(rules.everyMs)
  if (shown.session !== last.session) return true
  const silent = (shown.silentFor ?? 0) >= rules.silentSeconds
  if (last.state === 'ok') return silent && age >= rules.silentSeconds * 1000
  if (age < eachLookMs(rules.everyMs)) return false
  return last.state === 'stale' ? !silent : shown.session !== undefined
}
