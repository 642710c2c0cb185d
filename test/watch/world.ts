import { ConnectError } from '../../src/errors.ts'
import type { Inventory } from '../../src/inventory/model.ts'
import type { ForwardState } from '../../src/report/report.ts'
import type { AlertEvent } from '../../src/watch/alerts/message.ts'
import { exactly } from '../../src/watch/moment.ts'
import type { RecordEntry } from '../../src/watch/record/entry.ts'
import { memory } from '../../src/watch/record/memory.ts'
import type { WatchRecord } from '../../src/watch/record/record.ts'
import { type Watcher, watcher } from '../../src/watch/watcher.ts'
import { parse } from '../inventory/parse.ts'

/** Devices `d0`, `d1`, … with a forward on `gw`; every third one also on `gw2`. */
export function inventoryOf(devices: number, more: object = {}): Inventory {
  const forwards = (n: number) =>
    ['gw', ...(n % 3 === 2 ? ['gw2'] : [])].map((gateway) => ({
      gateway,
      port: 9000 + n,
      host: 'localhost',
      hostPort: 22,
    }))
  const all = Array.from({ length: devices }, (_, n) => [`d${n}`, { forwards: forwards(n) }])
  return parse(JSON.stringify({ gateways: { gw: {}, gw2: {} }, devices: Object.fromEntries(all), ...more }))
}

/** A record that is not on any disk. */
export function recordInMemory(): WatchRecord & { readonly entries: RecordEntry[] } {
  const all = memory()
  const entries: RecordEntry[] = []
  return {
    memory: all,
    entries,
    add(...added) {
      for (const entry of added) all.take(entry)
      entries.push(...added)
    },
    settled: async () => undefined,
    compact: async () => undefined,
    close: async () => undefined,
  }
}

/** A watcher whose clock stands still until a test moves it. Seconds. */
export interface World {
  readonly it: Watcher
  readonly told: AlertEvent[]
  readonly record: ReturnType<typeof recordInMemory>
  /** `state` of all forwards of a device, or of those on one gateway, as it was seen now. */
  see(device: string, state: ForwardState, more?: { gateway?: string; since?: number }): void
  seeGateway(name: string, reached: boolean, booted?: number): void
  goTo(second: number): Promise<void>
}

export const start = Date.UTC(2026, 10, 1) / 1000

export function world(inventory: Inventory, record = recordInMemory()): World {
  let now = start
  const told: AlertEvent[] = []
  const it = watcher({
    ...{ inventory, record, from: { inventory: 'inventory.json', watcher: 'host-w' }, env: {}, everySeconds: 30 },
    now: () => now * 1000,
    sleep: () => new Promise(() => undefined),
    ended: new AbortController().signal,
    note: () => undefined,
    onEvents: (events) => told.push(...events),
    examine: async () => undefined,
  })
  return {
    ...{ it, told, record },
    see(device, state, { gateway, since } = {}) {
      const forwards = it.board.inventory.devices.find(({ name }) => name === device)?.forwards ?? []
      for (const forward of forwards) {
        if (gateway !== undefined && forward.gateway !== gateway) continue
        const { bindAddress, port } = forward
        const error = state === 'ok' ? {} : { error: { message: `it is ${state}` } }
        const begin = since === undefined ? undefined : exactly((start + since) * 1000)
        it.board.forward({ device, gateway: forward.gateway, bindAddress, port, state, ...error }, now * 1000, begin)
      }
    },
    seeGateway(name, reached, booted) {
      const error = reached ? {} : { error: new ConnectError('unreachable', 'no answer') }
      it.board.gateway({
        name,
        at: now * 1000,
        ...error,
        ...(booted !== undefined && { booted: (start + booted) * 1000 }),
      })
    },
    async goTo(second) {
      while (now < start + second) {
        now++
        await it.tick()
      }
    },
  }
}

/** `d0 down 100`: what was told, with the second at which it began. */
export const plain = (events: readonly AlertEvent[]) =>
  events.map(({ kind, name, since }) => `${name} ${kind} ${Math.round(Date.parse(since) / 1000 - start)}`)
