import { type Moment, middle, plusMinus } from './moment.ts'

/**
 * From what is seen to what people are told, for one gateway or device. A condition counts when it has held for a
 * while; one that comes and goes is told once, as `flapping`. Pure: the time is given.
 */

/** `partly`: some of a device's forwards reach it. */
export type Condition = 'up' | 'partly' | 'down'

/** What one look showed. */
export interface Sighting {
  /** `unseen`: nobody could look, which says nothing about the device. */
  readonly condition: Condition | 'unseen'
  /** Since when, where somebody knows that better than by having seen it now. Milliseconds, as all times here. */
  readonly since?: Moment | undefined
  /** In one word what was found, such as `no-tunnel`. */
  readonly state?: string | undefined
  /** In one sentence. */
  readonly says?: string | undefined
}

/** What people know of it. */
export interface Told {
  readonly condition: Condition | 'flapping'
  readonly since: number
  /** The truth may be so much earlier or later. */
  readonly plusMinus?: number | undefined
  readonly state?: string | undefined
  readonly says?: string | undefined
}

interface Seen {
  readonly condition: Condition
  readonly since: number
  readonly plusMinus?: number
  /** When it was seen so for the first time. */
  readonly first: number
  /** Since when nobody can look. */
  readonly lost?: number | undefined
  readonly state?: string | undefined
  readonly says?: string | undefined
}

export interface Standing {
  readonly told: Told
  /** Absent: not looked at yet. */
  readonly seen?: Seen | undefined
  /** Times of the last changes from `up` to anything else. */
  readonly drops: readonly number[]
}

export interface Rules {
  /** How long a condition has to hold until it counts. */
  readonly afterMs: number
}

export interface StandingChange {
  readonly from: Told
  readonly to: Told
}

/** So many drops within so many times `afterMs` are flapping, and as long it has to be calm until that is over. */
const flappingDrops = 4
const calmTimes = 5
/** What only one look has shown may be a slip. */
const leastMs = 10_000

export const standingAs = (told: Told): Standing => ({ told, drops: [] })

export function see(standing: Standing, sighting: Sighting, at: number, { afterMs }: Rules): Standing {
  const { told, drops } = standing
  const { condition, state, says } = sighting
  if (condition === 'unseen') return { ...standing, seen: standing.seen && { lost: at, ...standing.seen } }
  // After a while in which nobody could look only what is seen now counts.
  const { lost, ...last } = standing.seen ?? {}
  const seen = standing.seen && (lost === undefined || at - lost < afterMs) ? (last as Seen) : undefined
  const found = sighting.since && { since: middle(sighting.since), plusMinus: plusMinus(sighting.since) }
  if (seen?.condition === condition) {
    const better = found && told.condition !== condition && isSharper(found, seen) && within(told.since, found, at)
    return { ...standing, seen: { ...seen, ...better, state, says } }
  }
  const earliest = seen?.since ?? told.since
  // Who is back through the session that stood there all the while is not back since that began.
  const isStale = condition === 'up' && found !== undefined && found.since <= earliest
  const begin = within(earliest, (isStale ? undefined : found) ?? { since: at }, at)
  const dropped = condition !== 'up' && (seen?.condition ?? told.condition) === 'up'
  const recent = [...drops, ...(dropped ? [begin.since] : [])].filter((time) => time > at - calmTimes * afterMs)
  return { told, seen: { condition, ...begin, first: at, state, says }, drops: recent }
}

type Begin = Pick<Seen, 'since' | 'plusMinus'>

/** A later look may know better when the same thing began. */
const isSharper = (found: Required<Begin>, before: Begin): boolean =>
  before.plusMinus === undefined ||
  (found.plusMinus < before.plusMinus && Math.abs(found.since - before.since) <= found.plusMinus + before.plusMinus)

const within = (earliest: number, begin: Begin, latest: number): Begin => ({
  ...begin,
  since: Math.min(latest, Math.max(earliest, begin.since)),
})

/** What people are to be told now, and the standing after that. Undefined: nothing. */
export function due(
  standing: Standing,
  at: number,
  { afterMs }: Rules,
): { standing: Standing; change: StandingChange } | undefined {
  const { told, seen, drops } = standing
  if (!seen || seen.lost !== undefined) return undefined
  const becomes = (to: Told) => ({ standing: { ...standing, told: to, drops: [] }, change: { from: told, to } })
  const needed = told.condition === 'flapping' ? calmTimes * afterMs : afterMs
  const holds = at - seen.since >= needed && at - seen.first >= Math.min(needed, leastMs)
  if (seen.condition !== told.condition && holds) {
    const { condition, since, plusMinus: width, state, says } = seen
    return becomes({ condition, since, plusMinus: width, state, says })
  }
  const [first] = drops
  if (told.condition !== 'up' || first === undefined || drops.length < flappingDrops) return undefined
  return becomes({ condition: 'flapping', since: first, state: 'flapping', says: `it went away ${drops.length} times` })
}
