import { expect, test } from 'vitest'
import { inventoryOf, plain, recordInMemory, world } from './world.ts'

/** All is well for a minute. */
async function well(devices = 3, record = recordInMemory()) {
  const inventory = inventoryOf(devices, { groups: { site: { devices: ['d0', 'd2'] } } })
  const w = world(inventory, record)
  for (const name of ['gw', 'gw2']) w.seeGateway(name, true)
  for (let n = 0; n < devices; n++) w.see(`d${n}`, 'ok')
  await w.goTo(60)
  return w
}

test('an outage is told, and its end with how long it was and what it was', async () => {
  const w = await well()
  w.see('d0', 'no-tunnel', { since: 58 })
  await w.goTo(600)
  w.see('d0', 'ok', { since: 590 })
  await w.goTo(900)
  expect(plain(w.told)).toEqual(['d0 down 58', 'd0 up 590'])
  expect(w.told[0]).toMatchObject({ state: 'no-tunnel', cause: 'it is no-tunnel', groups: ['site'], role: 'device' })
  expect(w.told[1]).toMatchObject({ awaySeconds: 532, cause: 'it is no-tunnel' })
})

test('a gateway that is down is one message, and none for its devices, nor when they come back', async () => {
  const w = await well(30)
  w.seeGateway('gw', false)
  await w.goTo(600)
  w.seeGateway('gw', true, 595)
  for (let n = 0; n < 30; n++) w.see(`d${n}`, 'no-tunnel', { gateway: 'gw', since: 595 })
  await w.goTo(640)
  for (let n = 0; n < 30; n++) w.see(`d${n}`, 'ok')
  await w.goTo(1200)
  expect(plain(w.told)).toEqual(['gw down 60', 'gw up 600'])
  expect(w.told[0]).toMatchObject({ state: 'unreachable', groups: ['site'] })
  expect(w.told[1]?.cause).toMatch(/^it was started again at 00:09:55 UTC$/)
})

test('a gateway that ran all the while was only cut off, and that is said', async () => {
  const w = await well()
  w.seeGateway('gw', false)
  await w.goTo(600)
  w.seeGateway('gw', true, -5000)
  await w.goTo(900)
  expect(w.told[1]).toMatchObject({ kind: 'up', cause: 'it ran all the while: the way to it from here was cut' })
})

test('what goes away within a few seconds is one message, and what does not is told all the same', async () => {
  const w = await well(5)
  for (let n = 0; n < 3; n++) {
    w.see(`d${n}`, 'stale')
    await w.goTo(62 + 2 * n)
  }
  await w.goTo(183)
  expect(plain(w.told)).toEqual([])
  await w.goTo(186)
  expect(plain(w.told)).toEqual(['d0 down 60', 'd1 down 62', 'd2 down 64'])
  w.see('d3', 'stale')
  await w.goTo(189)
  w.see('d4', 'stale')
  await w.goTo(306)
  expect(plain(w.told).slice(3)).toEqual([])
  w.see('d4', 'ok')
  await w.goTo(308)
  expect(plain(w.told).slice(3)).toEqual(['d3 down 186'])
})

test('a device with two gateways is partly down where one of its tunnels is', async () => {
  const w = await well()
  w.see('d2', 'stale', { gateway: 'gw2' })
  await w.goTo(300)
  w.see('d2', 'no-tunnel', { gateway: 'gw' })
  await w.goTo(600)
  w.see('d2', 'ok')
  await w.goTo(900)
  expect(plain(w.told)).toEqual(['d2 partly 60', 'd2 down 300', 'd2 up 600'])
})

test('a forward that could not be checked is not down', async () => {
  const w = await well()
  w.see('d0', 'unverified')
  await w.goTo(900)
  expect(w.told).toEqual([])
})

test('who starts watching again goes on where the last one ended: nothing is told twice, nothing is lost', async () => {
  const w = await well()
  w.see('d0', 'no-tunnel')
  await w.goTo(300)
  expect(plain(w.told)).toEqual(['d0 down 60'])
  const again = world(inventoryOf(3), w.record)
  for (const name of ['gw', 'gw2']) again.seeGateway(name, true)
  again.see('d0', 'no-tunnel')
  again.see('d1', 'ok')
  await again.goTo(400)
  again.see('d0', 'ok')
  await again.goTo(800)
  expect(plain(again.told)).toEqual(['d0 up 400'])
  expect(again.told[0]?.awaySeconds).toBe(340)
})

test('an edit of the inventory keeps what is known; of a device that was taken out nothing is told', async () => {
  const w = await well(4)
  w.see('d3', 'no-tunnel')
  w.see('d0', 'no-tunnel')
  await w.goTo(300)
  w.it.use(inventoryOf(3))
  w.see('d0', 'ok')
  await w.goTo(600)
  expect(plain(w.told)).toEqual(['d0 down 60', 'd3 down 60', 'd0 up 300'])
  expect([...w.record.memory.outages.values()].every(({ end }) => end !== undefined)).toBe(true)
})

test('how long something has to hold is what the inventory says now', async () => {
  const w = await well()
  w.see('d0', 'no-tunnel')
  await w.goTo(80)
  w.it.use(inventoryOf(3, { watch: { after: 15 } }))
  await w.goTo(82)
  expect(plain(w.told)).toEqual(['d0 down 60'])
})

/** As in a minimal standard generator: the same day each time. */
function dice(seed: number) {
  let state = seed
  return (most: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % most
  }
}

test.each([1, 2, 3])(
  'a day of faults (%i): every outage is told once, none is invented, times within 5 s',
  async (seed) => {
    const random = dice(seed)
    const devices = 12
    const w = await well(devices)
    const day = 86_400
    /** For each device what really happens: away from … to …, with pauses that are longer than what flaps. */
    const truth = Array.from({ length: devices }, () => {
      const outages: [number, number][] = []
      for (let at = 600 + random(3600); at < day - 7200; ) {
        const length = random(2) === 0 ? 1 + random(100) : 140 + random(5000)
        outages.push([at, at + length])
        at += length + 900 + random(9000)
      }
      return outages
    })
    /** What the watcher gets to see: the journal tells within 3 s; a look each 30 s; one look in fifty fails. */
    const sights: { at: number; act: () => void }[] = []
    for (const [n, outages] of truth.entries())
      for (const [begin, end] of outages) {
        sights.push({ at: begin + random(4), act: () => w.see(`d${n}`, 'no-tunnel', { since: begin }) })
        sights.push({ at: end + random(4), act: () => w.see(`d${n}`, 'ok', { since: end }) })
      }
    for (let at = 90; at < day; at += 30)
      for (const [n, outages] of truth.entries()) {
        const away = outages.find(([begin, end]) => begin + 4 <= at && at < end)
        const isClear = away || !outages.some(([begin, end]) => begin <= at && at < end + 4)
        if (!isClear) continue
        sights.push({
          at,
          act: () =>
            w.see(`d${n}`, random(50) === 0 ? 'unverified' : away ? 'no-tunnel' : 'ok', away && { since: away[0] }),
        })
      }
    for (const { at, act } of sights.sort((a, b) => a.at - b.at)) {
      await w.goTo(at)
      act()
    }
    await w.goTo(day)
    for (const [n, outages] of truth.entries()) {
      const long = outages.filter(([begin, end]) => end - begin >= 130)
      const told = w.told.filter(({ name }) => name === `d${n}`)
      expect(plain(told).map((text) => text.split(' ')[1])).toEqual(long.flatMap(() => ['down', 'up']))
      const times = told.map(({ since }) => Date.parse(since) / 1000 - Date.UTC(2026, 10, 1) / 1000)
      for (const [index, time] of long.flat().entries())
        expect(Math.abs((times[index] ?? 0) - time)).toBeLessThanOrEqual(5)
    }
  },
)
