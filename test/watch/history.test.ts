import { expect, onTestFinished, test, vi } from 'vitest'
import { historyOf, outagesOf } from '../../src/watch/history.ts'
import { printCsv, printHistory } from '../../src/watch/history-text.ts'
import { memory } from '../../src/watch/record/memory.ts'

const at = (minute: number) => new Date(Date.UTC(2026, 10, 1) + minute * 60_000).toISOString()
const hosts = [
  { name: 'gw', role: 'gateway' },
  { name: 'host-a', role: 'device' },
] as const
const wish = { inventory: 'inventory.json', hosts, since: Date.parse(at(0)), until: Date.parse(at(1000)) }

/** A watcher that saw these outages of host-a: minutes, the end may be missing. */
function watcher(watched: readonly [number, number][], outages: readonly [number, number?][], id = 'x') {
  const all = memory()
  for (const [from, until] of watched) all.take({ kind: 'watched', from: at(from), until: at(until) })
  for (const [index, [begin, end]] of outages.entries()) {
    const own = { id: `${id}${index}`, name: 'host-a', role: 'device', condition: 'down', state: 'no-tunnel' } as const
    all.take({ kind: 'began', ...own, begin: at(begin), says: 'there is no tunnel' })
    if (end !== undefined) all.take({ kind: 'ended', id: own.id, end: at(end) })
  }
  return all
}

test('availability is counted over the time in which somebody watched', () => {
  const all = watcher(
    [
      [0, 100],
      [200, 1000],
    ],
    [
      [90, 210],
      [300, 390],
    ],
  )
  const { hosts: found, watchedSeconds } = historyOf([all], wish)
  expect(watchedSeconds).toBe(900 * 60)
  // Ten minutes before the gap, ten after it, and ninety.
  expect(found[1]).toMatchObject({ outages: 2, awaySeconds: 110 * 60, longestSeconds: 120 * 60 })
  expect(found[1]?.availability).toBeCloseTo(1 - 110 / 900, 6)
  expect(found[0]).toMatchObject({ outages: 0, availability: 1 })
})

test('where nobody watched nothing is claimed', () => {
  expect(historyOf([memory()], wish).hosts[0]).not.toHaveProperty('availability')
})

test('what began before the time that is asked for counts from there on', () => {
  const all = watcher([[0, 1000]], [[10, 600]])
  const { hosts: found } = historyOf([all], { ...wish, since: Date.parse(at(500)) })
  expect(found[1]?.awaySeconds).toBe(100 * 60)
})

test('what two watchers saw is one outage; one that neither could end is open', () => {
  const a = watcher([[0, 500]], [[10, 20], [100]], 'a')
  const b = watcher([[0, 1000]], [[11, 21], [101, 120], [900]], 'b')
  expect(outagesOf([a, b]).map(({ begin, end }) => [begin, end])).toEqual([
    [at(10), at(21)],
    [at(100), at(120)],
    [at(900), undefined],
  ])
})

test('in words and by the clock of the reader, the host that was away longest first', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo')
  onTestFinished(() => void vi.unstubAllEnvs())
  const all = watcher([[0, 1000]], [[10, 20], [990]])
  all.take({ kind: 'cause', id: 'x0', cause: 'power\nof the\u001b[31m device' })
  expect(printHistory(historyOf([all], wish))).toBe(`host-a  98.000 %  2 outages, away for 20 min, longest 10 min
  2026-11-02 01:30:00  10 min so far  no-tunnel: there is no tunnel
  2026-11-01 09:10:00  10 min  no-tunnel: power / of the[31m device
gw      100.000 %  0 outages
2026-11-01 09:00 to 2026-11-02 01:40, watched for 16 h 40 min
`)
})

test('as CSV no cell is a formula, and none breaks its row', () => {
  const all = watcher([[0, 1000]], [[10, 20]])
  all.take({ kind: 'cause', id: 'x0', cause: '=cmd("x"),\ny' })
  expect(printCsv(historyOf([all], wish))).toBe(
    `name,role,condition,begin,end,seconds,state,cause\r\nhost-a,device,down,${at(10)},${at(20)},600,no-tunnel,"'=cmd(""x""),\ny"\r\n`,
  )
})
