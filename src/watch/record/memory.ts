import type { Message } from '../alerts/message.ts'
import type { OutageBegin, RecordEntry } from './entry.ts'

/** What a record says, as values. */
export interface Outage extends OutageBegin {
  readonly cause?: string
  /** Absent: it has not ended. */
  readonly end?: string
}

export interface Span {
  readonly from: string
  readonly until: string
}

export interface Unsent {
  readonly id: string
  readonly target: string
  readonly message: Message
}

export interface Memory {
  readonly outages: ReadonlyMap<string, Outage>
  /** When somebody was watching, in order; they do not touch. */
  readonly watched: readonly Span[]
  readonly unsent: ReadonlyMap<string, Unsent>
  take(entry: RecordEntry): void
}

/** Between two lines that say so, somebody still was watching. */
const gapMs = 90_000

export function memory(): Memory {
  const outages = new Map<string, Outage>()
  const unsent = new Map<string, Unsent>()
  let watched: Span[] = []
  const change = (id: string, more: Partial<Outage>) => {
    const outage = outages.get(id)
    if (outage) outages.set(id, { ...outage, ...more })
  }
  return {
    outages,
    unsent,
    get watched() {
      return watched
    },
    take(entry) {
      if (entry.kind === 'watched') watched = joined(watched, entry)
      else if (entry.kind === 'began') {
        const { kind: _, ...outage } = entry
        outages.set(entry.id, outage)
      } else if (entry.kind === 'cause') change(entry.id, { cause: entry.cause })
      else if (entry.kind === 'ended') change(entry.id, { end: entry.end })
      else if (entry.kind === 'message') unsent.set(entry.id, entry)
      else unsent.delete(entry.id)
    },
  }
}

function joined(spans: readonly Span[], { from, until }: Span): Span[] {
  const last = spans.at(-1)
  if (!last || Date.parse(from) > Date.parse(last.until) + gapMs) return [...spans, { from, until }]
  if (from >= last.from)
    return [...spans.slice(0, -1), { from: last.from, until: until > last.until ? until : last.until }]
  return united([...spans, { from, until }])
}

/** Spans of any order, such as those of two watchers. */
export function united(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((a, b) => a.from.localeCompare(b.from))
  const all: Span[] = []
  for (const span of sorted) {
    const last = all.at(-1)
    if (!last || Date.parse(span.from) > Date.parse(last.until) + gapMs) all.push(span)
    else if (span.until > last.until) all[all.length - 1] = { from: last.from, until: span.until }
  }
  return all
}

/** The same in as few lines as it takes, without what ended before that time. */
export function compacted({ outages, watched, unsent }: Memory, since: string): RecordEntry[] {
  return [
    ...watched
      .filter(({ until }) => until >= since)
      .map(({ from, until }): RecordEntry => ({ kind: 'watched', from: from < since ? since : from, until })),
    ...[...outages.values()]
      .filter(({ end }) => end === undefined || end >= since)
      .flatMap(({ cause, end, ...begin }): RecordEntry[] => [
        { kind: 'began', ...begin },
        ...(cause === undefined ? [] : [{ kind: 'cause', id: begin.id, cause } as const]),
        ...(end === undefined ? [] : [{ kind: 'ended', id: begin.id, end } as const]),
      ]),
    ...[...unsent.values()].map(({ id, target, message }): RecordEntry => ({ kind: 'message', id, target, message })),
  ]
}
