import { randomUUID } from 'node:crypto'
import type { AlertEvent } from './alerts/message.ts'
import type { HostChange } from './board.ts'
import type { Memory, Outage } from './record/memory.ts'
import type { WatchRecord } from './record/record.ts'
import type { Told } from './standing.ts'

/** What was told about a host, written down. */
export interface Ledger {
  /** What people know of it already: an outage that has not ended, else that it was up since the last one. */
  before(name: string): Told
  /** Ends the outage that is over, and begins the new one. */
  note(change: HostChange): Noted
  /** Why, once somebody was asked. */
  because(outage: Outage | undefined, cause: string): void
  /** Ends the outages of hosts that nobody watches any more. */
  forget(known: (name: string) => boolean, at: number): void
}

export interface Noted {
  readonly ended: Outage | undefined
  readonly began: Outage | undefined
}

const iso = (at: number) => new Date(at).toISOString()

export function ledger(record: Pick<WatchRecord, 'memory' | 'add'>): Ledger {
  const { memory } = record
  const latest = new Map<string, Outage>()
  for (const outage of memory.outages.values()) latest.set(outage.name, outage)

  const begin = ({ host: { name, role }, to }: HostChange): Outage | undefined => {
    if (to.condition === 'up') return undefined
    const { condition, since, state, says } = to
    const told = { ...sureness(to), ...(state !== undefined && { state }), ...(says !== undefined && { says }) }
    return { id: randomUUID(), name, role, condition, begin: iso(since), ...told }
  }

  return {
    before(name) {
      const outage = latest.get(name)
      if (!outage) return { condition: 'up', since: 0 }
      if (outage.end !== undefined) return { condition: 'up', since: Date.parse(outage.end) }
      const { condition, state, says } = outage
      return { condition, since: Date.parse(outage.begin), state, says }
    },
    note(change) {
      const { host, to } = change
      const open = latest.get(host.name)
      const ended = open && open.end === undefined ? { ...open, end: iso(to.since) } : undefined
      if (ended) record.add({ kind: 'ended', id: ended.id, end: iso(to.since) })
      const began = begin(change)
      if (began) record.add({ kind: 'began', ...began })
      const now = began ?? ended
      if (now) latest.set(host.name, now)
      return { ended: ended && { ...ended, ...causeOf(memory, ended) }, began }
    },
    because(outage, cause) {
      if (outage) record.add({ kind: 'cause', id: outage.id, cause })
    },
    forget(known, at) {
      for (const [name, outage] of latest) {
        if (known(name) || outage.end !== undefined) continue
        record.add({ kind: 'ended', id: outage.id, end: iso(at) })
        latest.delete(name)
      }
    },
  }
}

/** What is known to five seconds is as good as known. */
function sureness({ plusMinus = 0 }: Told): { plusMinusSeconds?: number } {
  return plusMinus > 5000 ? { plusMinusSeconds: Math.ceil(plusMinus / 1000) } : {}
}

/** It may have been learned since the outage began. */
function causeOf({ outages }: Memory, { id }: Outage): { cause?: string } {
  const cause = outages.get(id)?.cause
  return cause === undefined ? {} : { cause }
}

/** What is told of a change. */
export function alertOf({ host, to }: HostChange, { ended, began }: Noted, groups: readonly string[]): AlertEvent {
  const { name, role } = host
  const common = { name, role, groups, since: iso(to.since), ...sureness(to) }
  if (to.condition === 'up') {
    const away = ended && (to.since - Date.parse(ended.begin)) / 1000
    const cause = ended?.cause ?? ended?.says
    return {
      kind: 'up',
      ...common,
      ...(away !== undefined && { awaySeconds: Math.round(away) }),
      ...(cause !== undefined && { cause }),
    }
  }
  const cause = began?.cause ?? began?.says
  return {
    kind: to.condition,
    ...common,
    ...(to.state !== undefined && { state: to.state }),
    ...(cause !== undefined && { cause }),
  }
}
