import { spawnSync } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AlertEvent } from '../../src/watch/alerts/message.ts'
import type { HistoryReport } from '../../src/watch/history.ts'
import { isShown, shownBelow } from './docs/page.ts'
import { verified } from './kit.ts'
import { pause } from './watch/acts.ts'
import { first, flapping, gatewayFaults, second, type WatchFault } from './watch/faults.ts'
import { harmless, harmlessToGateways } from './watch/harmless.ts'
import { flapper, gateway, others, roamer, type Site, site } from './watch/site.ts'
import { type RunningWatcher, seconds, watch } from './watch/watcher.ts'

/** One watcher goes through all of it, on the same machines; `after` is 8 s. */
let at: Site
let state: string
let watcher: RunningWatcher
let flaps: Promise<unknown>
const show = process.env.PROVISION_SHOW !== undefined

beforeAll(async () => {
  at = await site(first.length, 8)
  state = join(at.it.folder, 'state')
  // A disk of its own, that can be filled.
  await mkdir(state)
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', state]).status).toBe(0)
}, 300_000)

afterAll(async () => {
  await watcher?.end('SIGKILL')
  if (state) spawnSync('umount', ['-l', state])
  await at?.it.down()
})

type Placed = readonly [host: string, fault: WatchFault]

const onDevices = (faults: readonly WatchFault[]): Placed[] =>
  faults.map((fault, n) => [at.devices[n] ?? '', fault] as const)

const onOthers = (faults: readonly WatchFault[] = []): Placed[] =>
  faults.map((fault, n) => [others[n] ?? '', fault] as const)

/** When the act that did it began, and was over. Seconds since 1970. */
type Times = ReadonlyMap<string, { readonly begun: number; readonly over: number }>

async function all(what: 'strike' | 'mend', placed: readonly Placed[]): Promise<Times> {
  const times = await Promise.all(
    placed.map(async ([host, fault]) => {
      const begun = seconds()
      await fault[what]?.(at.place(host))
      return [host, { begun, over: seconds() }] as const
    }),
  )
  return new Map(times)
}

/** Seconds before the act, or after it; 0: while it lasted. */
function offFrom(times: Times, name: string, time: number): number {
  const { begun, over } = times.get(name) ?? { begun: Number.NaN, over: Number.NaN }
  return Math.round((time < begun ? time - begun : time < over ? 0 : time - over) * 10) / 10
}

const words = (events: readonly AlertEvent[]) =>
  events.map(({ name, kind, state: how }) => [name, kind, how].join(' ')).sort()

/** Each is told once, as what it is, and when it was: within 5 s, or within what the message says itself. */
function expectTold(events: readonly AlertEvent[], placed: readonly Placed[], kind: 'down' | 'up', times: Times) {
  const faults = new Map(placed)
  const expected = placed.map(([host, { state: how }]) => [host, kind, kind === 'down' ? how : undefined])
  expect(words(events)).toEqual(expected.map((one) => one.join(' ')).sort())
  const off = events.map(({ name, since, plusMinusSeconds: sure }) => {
    return { fault: faults.get(name)?.name, seconds: offFrom(times, name, Date.parse(since) / 1000), sure }
  })
  if (show) console.table(off)
  const far = off.filter(({ seconds, sure = 5 }, n) => {
    const late = kind === 'up' ? (faults.get(events[n]?.name ?? '')?.recovers ?? 0) : 0
    return sure > 10 || !(seconds > -sure && seconds < sure + late)
  })
  expect(far).toEqual([])
}

test('ten faults at once: each is told once, with its time, and so is its end, also while the disk is full', async () => {
  watcher = await watch(at.it, state)
  for (const name of [...at.devices, flapper, roamer]) await watcher.says(`seen ${name}, `)
  flaps = flapping.strike(at.place(flapper))
  const placed = [...onDevices(first), ...onOthers(gatewayFaults[0])]
  const began = seconds()
  const struck = await all('strike', placed)
  const down = await at.heard(0, placed.length)
  expectTold(down, placed, 'down', struck)
  const seen = placed.map(([name, fault]) => {
    const when = watcher.seenSince(began).get(name) ?? Number.NaN
    return { fault: fault.name, seconds: offFrom(struck, name, when) }
  })
  if (show) console.table(seen)
  expect(seen.filter(({ seconds }) => !(seconds < 40))).toEqual([])
  // What went away at once is one message.
  const [one, other] = at.devices
  const together = (await at.messages()).find(({ events }) => events.some(({ name }) => name === one))
  expect(together?.events.map(({ name }) => name)).toContain(other)

  const filler = join(state, 'filler')
  await writeFile(filler, Buffer.alloc(1_000_000)).catch(() => undefined)
  const mended = await all('mend', placed)
  const up = (await at.heard(0, 2 * placed.length)).slice(placed.length)
  await watcher.says('cannot be written (ENOSPC)')
  await rm(filler)
  expectTold(up, placed, 'up', mended)
  expect(up.find(({ name }) => name === others[0])?.cause).toMatch(/^it ran all the while/)

  const [, ...shown] = (await shownBelow('watch.md', 'provision watch inventory.json')).map((line) =>
    line.replaceAll('host-a.lan.internal', one ?? '').replaceAll('inventory.json', at.it.file),
  )
  const printed = watcher.printed().filter((line) => line.startsWith(`${one} `))
  expect(isShown(shown, printed), printed.join('\n')).toBe(true)
}, 180_000)

test('ten others: an edit is read, a watcher is killed and goes on, and what began meanwhile is told as well', async () => {
  const before = (await at.events()).length
  const placed = [...onDevices(second), ...onOthers(gatewayFaults[1])]
  const late: Placed = [at.devices[second.length] ?? '', first[0] as WatchFault]
  const good = await readFile(at.it.file, 'utf8')
  await writeFile(at.it.file, good.replace('"watch"', '"wotch"'))
  const struck = await all('strike', placed)
  await watcher.says('is not used as it is now, the former one still counts')
  await writeFile(at.it.file, good)
  await watcher.says('was read again')
  expectTold(await at.heard(before, placed.length), placed, 'down', struck)

  await watcher.end('SIGKILL')
  const [lateStruck] = await Promise.all([all('strike', [late]), pause(1)])
  watcher = await watch(at.it, state)
  const more = await at.heard(before, placed.length + 1)
  expectTold(more.slice(placed.length), [late], 'down', lateStruck)

  const everything = [...placed, late]
  const mended = await all('mend', everything)
  const up = (await at.heard(before, 2 * everything.length)).slice(everything.length)
  expectTold(up, everything, 'up', mended)
  expect(up.find(({ name }) => name === others[0])?.cause).toMatch(/^it was started again at /)
}, 180_000)

test('a device that comes and goes is one message, and another one when it is calm', async () => {
  await flaps
  const told = await at.heard(0, 2, 'flapper')
  expect(words(told)).toEqual([`${flapper} flapping flapping`, `${flapper} up `])
}, 120_000)

test('eleven more that are over before they count: nothing is told', async () => {
  await at.it.rewrite(at.inventory(30))
  await watcher.says('was read again')
  const before = (await at.events()).length
  const gateways = [gateway, ...others]
  const placed = [...onDevices(harmless), ...harmlessToGateways.map((fault, n): Placed => [gateways[n] ?? '', fault])]
  await all('strike', placed)
  await pause(10)
  await all('mend', placed)
  await verified(at.it)
  expect((await at.events()).slice(before)).toEqual([])
}, 120_000)

test('two watchers cannot share a record; it holds each outage, with its end', async () => {
  const another = await at.it.provision(['watch', at.it.file, '--state', state])
  expect(another).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/record\.jsonl: process \d+ watches already, with this record/),
  })
  expect(await watcher.end('SIGTERM')).toBe(0)
  const { code, stdout } = await at.it.provision(['history', at.it.file, '--state', state, '--json'])
  expect(code).toBe(0)
  const { outages } = JSON.parse(stdout) as HistoryReport
  const begun = (await at.events()).filter(({ kind }) => kind !== 'up')
  expect(outages.map(({ name, condition }) => `${name} ${condition}`).sort()).toEqual(
    begun.map(({ name, kind }) => `${name} ${kind}`).sort(),
  )
  expect(outages.filter(({ end }) => end === undefined)).toEqual([])
})
