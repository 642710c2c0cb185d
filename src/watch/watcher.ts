import pLimit from 'p-limit'
import type { Inventory } from '../inventory/model.ts'
import type { AlertEvent, Message } from './alerts/message.ts'
import { type Outbox, outbox } from './alerts/outbox.ts'
import { fetchUrl, NotSent } from './alerts/post.ts'
import { secretAt, targetsOf } from './alerts/targets.ts'
import { board, type HostChange, type WatchBoard } from './board.ts'
import { gatewayCause, type OutageCause } from './cause.ts'
import { ledger } from './ledger.ts'
import type { WatchRecord } from './record/record.ts'
import { teller } from './tell.ts'

/** All that does not depend on which connections are open: what is known, remembered and told. */
export interface Watcher {
  readonly board: WatchBoard
  readonly record: WatchRecord
  readonly outbox: Outbox
  readonly started: number
  readonly everySeconds: number
  readonly now: () => number
  /** The inventory was edited. */
  use(inventory: Inventory): void
  /** Once a second: tells what is due. */
  tick(): Promise<void>
  /** Writes down that somebody was watching up to now. */
  remember(): void
  /** Once a minute: the same, and says so to the heartbeat URL. */
  minute(): Promise<void>
}

export interface WatcherOptions {
  readonly inventory: Inventory
  readonly record: WatchRecord
  readonly from: Pick<Message, 'inventory' | 'watcher'>
  readonly everySeconds: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<unknown>
  readonly ended: AbortSignal
  readonly note: (text: string) => void
  readonly onEvents: (events: readonly AlertEvent[]) => void
  /** The first broken link of a device. */
  readonly examine: (change: HostChange) => Promise<OutageCause | undefined>
}

/** How long an alert waits for the doctor. */
const examineMs = 20_000
const defaultMonths = 13

export function watcher(options: WatcherOptions): Watcher {
  const { inventory, record, from, env, now, sleep, ended, note, onEvents, examine } = options
  const book = ledger(record)
  const known = board(inventory, book.before)
  const box = outbox({ record, from, now, sleep, ended, note })
  const examining = pLimit(3)
  const started = now()
  let watchedUntil = started
  let minutes = 0
  let heartbeatTrouble: string | undefined

  async function explain(change: HostChange, many: boolean): Promise<OutageCause | undefined> {
    const { host, from: before, to } = change
    if (host.role === 'gateway') {
      const sight = to.condition === 'up' ? known.gateways.get(host.name) : undefined
      const cause = sight && gatewayCause(sight, before.since)
      return cause === undefined ? undefined : { cause }
    }
    if (to.condition === 'up' || many) return undefined
    // Whatever becomes of it: people are told all the same.
    const examined = examining(() => examine(change)).catch(() => undefined)
    return Promise.race([examined, sleep(examineMs).then(() => undefined)])
  }

  const tell = teller({ ledger: book, outbox: box, inventory: () => known.inventory, explain, onEvents })

  function use(next: Inventory): void {
    known.use(next)
    book.forget((name) => known.standing(name) !== undefined, now())
    box.use(targetsOf(next.alerts ?? [], env))
  }

  function remember(): void {
    const at = now()
    // Of a machine that slept nobody can say that it watched.
    const since = at - watchedUntil > 90_000 ? at : watchedUntil
    watchedUntil = at
    record.add({ kind: 'watched', from: new Date(since).toISOString(), until: new Date(at).toISOString() })
  }

  async function heartbeat(): Promise<void> {
    const place = known.inventory.watch?.heartbeat
    if (!place) return
    try {
      await fetchUrl(await secretAt(place, env))
      heartbeatTrouble = undefined
    } catch (error) {
      if (!(error instanceof NotSent)) throw error
      if (heartbeatTrouble !== error.message) note(`heartbeat: ${error.message}`)
      heartbeatTrouble = error.message
    }
  }

  use(inventory)
  return {
    board: known,
    record,
    outbox: box,
    started,
    everySeconds: options.everySeconds,
    now,
    use,
    tick: () => tell(known.changes(now())),
    remember,
    async minute() {
      remember()
      await heartbeat()
      if (minutes++ % (24 * 60) !== 0) return
      const months = known.inventory.watch?.keepMonths ?? defaultMonths
      await record.compact(new Date(now() - months * 30.44 * 86_400_000).toISOString())
    },
  }
}
