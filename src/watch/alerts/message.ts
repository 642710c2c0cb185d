import { duration } from '../../report/duration.ts'

/** What people are told: the document that a webhook gets. Never holds a secret. Times are ISO 8601. */
export interface Message {
  readonly version: 1
  /** The same message has the same one, however often it is sent. */
  readonly id: string
  readonly at: string
  /** The inventory's file. */
  readonly inventory: string
  /** The machine that watches. */
  readonly watcher: string
  /** All of it in words, a line for each event. */
  readonly text: string
  readonly events: readonly AlertEvent[]
}

export interface AlertEvent {
  /** `up`: it is back. `test`: nothing has happened. */
  readonly kind: 'down' | 'partly' | 'flapping' | 'up' | 'test'
  readonly name: string
  readonly role: 'gateway' | 'device'
  readonly groups: readonly string[]
  /** When that began. */
  readonly since: string
  /** It may have begun so much earlier or later; absent: it is known to five seconds. */
  readonly plusMinusSeconds?: number
  /** Of `up`: how long it was away. */
  readonly awaySeconds?: number
  /** In one word what was found, such as `no-tunnel`. */
  readonly state?: string
  /** What was found, or what it was, in one sentence. */
  readonly cause?: string
  /** What mends it. */
  readonly mend?: string
}

const verbs = {
  down: 'is down',
  partly: 'is partly down',
  flapping: 'comes and goes',
  up: 'is back',
  test: 'is a test',
}

/** `host-a is down since 10:05:12 UTC (no-tunnel): …` */
export function eventText(event: AlertEvent): string {
  const { kind, name, since, plusMinusSeconds: off, awaySeconds, state, cause, mend } = event
  const sure = off === undefined ? '' : ` ± ${duration(off)}`
  const when = kind === 'test' ? '' : ` since ${since.slice(0, 10)} ${since.slice(11, 19)} UTC${sure}`
  const away = awaySeconds === undefined ? '' : ` after ${duration(awaySeconds)}`
  const what = state && state !== 'flapping' && kind !== 'up' ? ` (${state})` : ''
  const why = cause === undefined ? '' : kind === 'up' ? `; it was: ${cause}` : `: ${cause}`
  const todo = mend === undefined || kind === 'up' ? '' : `; to mend it: ${mend}`
  return `${name} ${verbs[kind]}${away}${when}${what}${why}${todo}`
}

/** `3 down, 1 back: host-a, host-b and 2 more`: what fits in the subject of a mail. */
export function headline(events: readonly AlertEvent[]): string {
  const [only] = events
  if (only && events.length === 1) return `${only.name} ${verbs[only.kind]}`
  const kinds = ['down', 'partly', 'flapping', 'up', 'test'] as const
  const names = { down: 'down', partly: 'partly down', flapping: 'flapping', up: 'back', test: 'test' }
  const counts = kinds.flatMap((kind) => {
    const count = events.filter((event) => event.kind === kind).length
    return count > 0 ? [`${count} ${names[kind]}`] : []
  })
  const shown = events.slice(0, 3).map(({ name }) => name)
  const more = events.length > 3 ? ` and ${events.length - 3} more` : ''
  return `${counts.join(', ')}: ${shown.join(', ')}${more}`
}
