import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import { outcomes, type Rehearsal, rehearse } from './kit.ts'
import { rounds } from './rounds.ts'
import { stateOf } from './state-of.ts'
import { type Stop, stops } from './stops.ts'
import { faults, makeCuttable, type Pair, perform, type Strike, told, ways } from './strike.ts'

/**
 * Many gateways with a device each, changed to and fro between two inventories: the second wants one forward more, so
 * that the very tunnel is changed, in half of the cases by somebody who came through it. Each change is struck once.
 * KILLS_SEED repeats the moments of a run that failed; KILLS_PAIRS and KILLS_MOMENTS (of a round) make it smaller on a busy machine.
 */
const pairs = Array.from({ length: Number(process.env.KILLS_PAIRS ?? 15) }, (_, at) => at + 1)
const moments = Number(process.env.KILLS_MOMENTS ?? 15)
const seed = Number(process.env.KILLS_SEED ?? Date.now() % 1_000_000)
const random = generator(seed)
const gatewayOf = (pair: number) => `gw${pair}.guest.internal`
const deviceOf = (pair: number) => `host${pair}.lan.internal`
const names = pairs.flatMap((pair) => [gatewayOf(pair), deviceOf(pair)])
const limit = (pair: number) => ['--limit', gatewayOf(pair), '--limit', deviceOf(pair)]
const patience = ['--confirm-within', '8']
const inventory = (targets: readonly number[], way: Strike['way']) => ({
  // One inventory in several files.
  id: 'kills234',
  login: { user: 'user001' },
  gateways: Object.fromEntries(pairs.map((pair) => [gatewayOf(pair), {}])),
  devices: Object.fromEntries(
    pairs.map((pair) => {
      const forwards = targets.map((target) => ({
        gateway: gatewayOf(pair),
        port: 9000 + target,
        host: 'localhost',
        hostPort: target,
      }))
      return [deviceOf(pair), { via: [way], forwards }]
    }),
  ),
})
const variants = { one: [22], two: [22, 2222] } as const
type Variant = keyof typeof variants

let it: Rehearsal
let now: Variant = 'one'
/** Does the next run bring forth what the struck ones began, or back? */
let forth = true
const known: Record<Variant, Map<string, string[]>> = { one: new Map(), two: new Map() }
/** How long a change takes until just before its end, while as many others are under way. */
let usualMs = 0
const pairOf = (pair: number): Pair => ({
  gateway: it.lab.machine(gatewayOf(pair)),
  device: it.lab.machine(deviceOf(pair)),
})
const fileOf = (variant: Variant, way: Strike['way']) => join(it.folder, `${variant}-${way}.json`)
const other = (): Variant => (now === 'one' ? 'two' : 'one')
const everybody = <T>(what: (name: string) => Promise<T>) => Promise.all(names.map(what))

beforeAll(async () => {
  it = await rehearse(inventory(variants.one, 'direct'))
  for (const variant of ['one', 'two'] as const)
    for (const way of ways) await writeFile(fileOf(variant, way), JSON.stringify(inventory(variants[variant], way)))
  await makeCuttable(it)
  // So that every forward reaches an sshd.
  await Promise.all(
    pairs.map((pair) =>
      pairOf(pair).device.sh(
        'printf "Port 22\\nPort 2222\\n" >/etc/ssh/sshd_config.d/ports.conf; systemctl reload ssh',
      ),
    ),
  )
  await converge('one')
  await everybody(async (name) => known.one.set(name, await stateOf(it.lab.machine(name))))
  await converge('two')
  await everybody(async (name) => known.two.set(name, await stateOf(it.lab.machine(name))))
}, 900_000)
afterAll(() => it?.down())

test('the two states differ on every host', () => {
  for (const name of names) expect(known.one.get(name), name).not.toEqual(known.two.get(name))
})

/** The next run: every host is as wanted afterwards; forwards get the time that a device needs to dial again. */
async function converge(variant: Variant): Promise<void> {
  const last = await until(
    async () => {
      const { report } = await it.report([fileOf(variant, 'direct')], { timeoutMs: 300_000 })
      const bad = report.hosts.filter(
        ({ outcome, error }) => !['ok', 'changed'].includes(outcome) && !/holds this host/.test(error?.message ?? ''),
      )
      expect(bad, `the next run, seed ${seed}`).toEqual([])
      return report.exitCode === 0 ? report : undefined
    },
    { timeoutMs: 300_000, everyMs: 500 },
  )
  expect(last && outcomes(last), `the next run, seed ${seed}`).toBeDefined()
  now = variant
}

/** Wholly old or wholly new, as soon as its services are as they should be. */
async function endOf(name: string): Promise<'old' | 'new' | { neither: readonly string[] }> {
  let found: string[] = []
  const look = async () => {
    found = await stateOf(it.lab.machine(name))
    const same = (variant: Variant) => JSON.stringify(found) === JSON.stringify(known[variant].get(name))
    return same(now) ? ('old' as const) : same(other()) ? ('new' as const) : undefined
  }
  const unit = `reverse-tunnel-${gatewayOf(names.indexOf(name) / 2 + 0.5)}.service`
  const up = async () => (await it.lab.machine(name).sh(`systemctl is-active ${unit}`)).code === 0 || undefined
  if (name.startsWith('host')) await until(up, { timeoutMs: 60_000, everyMs: 500 })
  const end = await until(look, { timeoutMs: 20_000, everyMs: 2000 })
  const expected = new Set([...(known[now].get(name) ?? []), ...(known[other()].get(name) ?? [])])
  return end ?? { neither: found.filter((line) => !expected.has(line)) }
}

interface End {
  readonly strike: Strike
  readonly afterMs: number
  readonly gateway: Awaited<ReturnType<typeof endOf>>
  readonly device: Awaited<ReturnType<typeof endOf>>
}

/**
 * One strike for each pair, all at once; then the next run brings all of them where they should be: where the struck ones
 * were to bring them, or back, in turns.
 */
async function strikeAll(strikes: readonly Strike[]): Promise<End[]> {
  const wanted = other()
  const struck = await Promise.allSettled(
    strikes.map(async (strike, at) => {
      const pair = pairs[at] ?? 0
      const words = [fileOf(wanted, strike.way), ...limit(pair), ...patience]
      const afterMs = await perform(it, pairOf(pair), strike, words)
      const [gateway, device] = await Promise.all([endOf(gatewayOf(pair)), endOf(deviceOf(pair))])
      return { strike, afterMs, about: `${told(strike)} (seed ${seed})`, gateway, device }
    }),
  )
  const ends = struck.map((end, at) => {
    if (end.status === 'fulfilled') return end.value
    throw new Error(`${told(strikes[at] as Strike)} (seed ${seed}): ${end.reason}`)
  })
  for (const { about, gateway, device } of ends) {
    expect(['old', 'new'], `the gateway after ${about}: ${JSON.stringify(gateway)}`).toContain(gateway)
    expect(['old', 'new'], `the device after ${about}: ${JSON.stringify(device)}`).toContain(device)
  }
  for (const { strike, about, ...end } of ends) {
    if (typeof strike.moment !== 'string') continue
    const { end: expected } = stops[strike.moment]
    if (expected !== 'either') expect(end[strike.host], about).toBe(expected)
  }
  await converge(forth ? wanted : now)
  forth = !forth
  return ends
}

/** In as few turns as there have to be, and as many in each. */
async function strikeInTurns(strikes: readonly Strike[]): Promise<End[]> {
  const many = Math.ceil(strikes.length / Math.ceil(strikes.length / pairs.length))
  const ends: End[] = []
  for (let at = 0; at < strikes.length; at += many) ends.push(...(await strikeAll(strikes.slice(at, at + many))))
  return ends
}

/** Each phase, by each fault, from either side; three rounds go through all of it, each from both sides. */
const fields = (Object.keys(stops) as Stop[]).flatMap((moment, row) =>
  (['kill', 'cut', 'power'] as const).flatMap((fault, column) =>
    ways.map((way, side) => ({
      third: (row + column + side) % 3,
      strike: { fault, moment, way, host: 'device' } satisfies Strike,
    })),
  ),
)

describe.each(rounds)('round %i', (round) => {
  test('struck between any two phases, every host is wholly old or wholly new', { timeout: 1_800_000 }, async () => {
    const strikes = fields.filter(({ third }) => third === round % 3).map(({ strike }) => strike)
    const ends = await strikeInTurns(strikes)
    usualMs = Math.max(...ends.map(({ afterMs }) => afterMs))
  })

  test('struck at random moments, every host is wholly old or wholly new', { timeout: 1_800_000 }, async () => {
    const strikes = Array.from(
      { length: moments },
      (_, at): Strike => ({
        fault: faults[at % 4] ?? 'kill',
        way: ways[Math.floor(at / 4) % 2] ?? 'direct',
        host: random() < 0.6 ? 'device' : 'gateway',
        moment: usualMs * (0.2 + 0.85 * random()),
      }),
    )
    const ends = await strikeInTurns(strikes)
    // Else the moments were not in the middle.
    expect(new Set(ends.flatMap(({ gateway, device }) => [gateway, device])), `seed ${seed}`).toEqual(
      new Set(['old', 'new']),
    )
  })
})

/** mulberry32: the same seed, the same moments. */
function generator(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
