import { createHash, randomUUID } from 'node:crypto'
import type { RecordEntry } from '../record/entry.ts'
import type { Unsent } from '../record/memory.ts'
import { type AlertEvent, eventText, type Message } from './message.ts'
import { NotSent } from './post.ts'
import { quietMs } from './quiet.ts'
import type { AlertTarget } from './targets.ts'

/**
 * What has to be sent. A message is written down before it is sent and again when it has arrived, so what could not be
 * sent, before a restart too, is sent later; once, unless the watcher is killed in between: then it is sent again with
 * the same `id`.
 */
export interface Outbox {
  /** From now on; what waits for a target that is no longer there is given up. */
  use(targets: readonly AlertTarget[]): void
  tell(events: readonly AlertEvent[]): void
  /** Messages that wait. */
  waiting(): number
}

export interface OutboxOptions {
  readonly record: {
    readonly memory: { readonly unsent: ReadonlyMap<string, Unsent> }
    add(...entries: RecordEntry[]): void
  }
  /** As they stand in every message. */
  readonly from: Pick<Message, 'inventory' | 'watcher'>
  readonly now: () => number
  /** Rejects never; ends early when all is to end. */
  readonly sleep: (ms: number) => Promise<unknown>
  readonly ended: AbortSignal
  readonly note: (text: string) => void
}

/** The first wait after a message that did not arrive, the longest, and when it is given up. */
const [firstMs, longestMs, givenUpMs] = [5_000, 600_000, 7 * 86_400_000]

export function messageOf(events: readonly AlertEvent[], at: number, from: OutboxOptions['from']): Message {
  const text = events.map(eventText).join('\n')
  return { version: 1, id: randomUUID(), at: new Date(at).toISOString(), ...from, text, events }
}

export function outbox({ record, from, now, sleep, ended, note }: OutboxOptions): Outbox {
  const { unsent } = record.memory
  const busy = new Set<string>()
  let targets: readonly AlertTarget[] = []

  const waitingFor = ({ key }: AlertTarget) => [...unsent.values()].filter(({ target }) => target === key)

  async function deliver(target: AlertTarget): Promise<void> {
    let failures = 0
    let said: string | undefined
    let batch: readonly Unsent[] = []
    while (!ended.aborted && targets.some(({ key }) => key === target.key)) {
      giveUp(target)
      // What was tried once is tried again as it was: it may have arrived.
      if (batch.some(({ id }) => !unsent.has(id)) || batch.length === 0) batch = waitingFor(target)
      if (batch.length === 0) return
      const quiet = target.quiet && failures === 0 ? quietMs(target.quiet, new Date(now())) : 0
      if (quiet > 0) {
        await sleep(quiet)
        batch = []
        continue
      }
      try {
        await target.send(merged(batch))
        record.add(...batch.map(({ id }): RecordEntry => ({ kind: 'sent', id })))
        if (said !== undefined) note(`${target.name}: the message has arrived`)
        failures = 0
        said = undefined
      } catch (error) {
        if (!(error instanceof NotSent)) throw error
        if (said !== error.message) note(`${target.name}: ${error.message}; it is tried again until it arrives`)
        said = error.message
        await sleep(Math.min(longestMs, firstMs * 2 ** failures++))
      }
    }
  }

  function giveUp(target: AlertTarget): void {
    const old = waitingFor(target).filter(({ message }) => now() - Date.parse(message.at) > givenUpMs)
    if (old.length === 0) return
    note(`${target.name}: ${old.length} messages of more than a week ago are given up`)
    record.add(...old.map(({ id }): RecordEntry => ({ kind: 'sent', id })))
  }

  const start = (target: AlertTarget) => {
    if (busy.has(target.key)) return
    busy.add(target.key)
    void deliver(target).finally(() => {
      busy.delete(target.key)
      if (!ended.aborted && targets.includes(target) && waitingFor(target).length > 0) start(target)
    })
  }

  return {
    use(next) {
      targets = next
      const keys = new Set(next.map(({ key }) => key))
      const orphans = [...unsent.values()].filter(({ target }) => !keys.has(target))
      if (orphans.length > 0) record.add(...orphans.map(({ id }): RecordEntry => ({ kind: 'sent', id })))
      for (const target of next) start(target)
    },
    tell(events) {
      for (const target of targets) {
        const wanted = events.filter((event) => target.wants(event))
        if (wanted.length === 0) continue
        const message = messageOf(wanted, now(), from)
        record.add({ kind: 'message', id: message.id, target: target.key, message })
        start(target)
      }
    },
    waiting: () => unsent.size,
  }
}

/** Several that waited become one. Its id follows from theirs. */
function merged(batch: readonly Unsent[]): Message {
  const messages = batch.map(({ message }) => message)
  const [first] = messages
  const last = messages.at(-1)
  if (!first || !last || messages.length === 1) return first as Message
  const id = createHash('sha256')
    .update(messages.map((message) => message.id).join())
    .digest('hex')
    .slice(0, 32)
  const text = messages.map((message) => message.text).join('\n')
  return { ...last, id, text, events: messages.flatMap(({ events }) => events) }
}
