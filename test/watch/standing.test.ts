import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exactly } from '../../src/watch/moment.ts'
import {
  type Condition,
  due,
  type Sighting,
  type Standing,
  type StandingChange,
  see,
  standingAs,
} from '../../src/watch/standing.ts'

const rules = { afterMs: 120_000 }
const up = standingAs({ condition: 'up', since: 0 })

/** Goes through what is seen, [second, sighting] each, looking once a second; gives what was told, and when. */
function goThrough(seen: readonly (readonly [number, Sighting | Sighting['condition']])[], until: number, from = up) {
  let standing: Standing = from
  const told: string[] = []
  const changes: StandingChange[] = []
  for (let second = 0; second <= until; second++) {
    for (const [at, sighting] of seen) {
      if (at !== second) continue
      standing = see(standing, typeof sighting === 'string' ? { condition: sighting } : sighting, at * 1000, rules)
    }
    const found = due(standing, second * 1000, rules)
    if (!found) continue
    standing = found.standing
    changes.push(found.change)
    told.push(`${second}: ${found.change.to.condition} since ${found.change.to.since / 1000}`)
  }
  return { told, changes, standing }
}

test('what holds is told once, with the time at which it began', () => {
  const { told } = goThrough(
    [
      [1000, 'up'],
      [1010, 'down'],
      [1040, 'down'],
      [1300, 'up'],
    ],
    2000,
  )
  expect(told).toEqual(['1130: down since 1010', '1420: up since 1300'])
})

test('what is over before it counts is not told', () => {
  expect(
    goThrough(
      [
        [1000, 'up'],
        [1010, 'down'],
        [1129, 'up'],
      ],
      2000,
    ).told,
  ).toEqual([])
})

test('one short return within an outage is not its end', () => {
  const seen = [
    [1000, 'up'],
    [1010, 'down'],
    [1200, 'up'],
    [1260, 'down'],
    [1900, 'up'],
  ] as const
  expect(goThrough(seen, 3000).told).toEqual(['1130: down since 1010', '2020: up since 1900'])
})

test('the gateway knows better since when, but not since before it was seen otherwise', () => {
  const down = (since: number) => ({ condition: 'down', since: exactly(since * 1000) }) as const
  expect(
    goThrough(
      [
        [1000, 'up'],
        [1030, down(1005)],
      ],
      1200,
    ).told,
  ).toEqual(['1125: down since 1005'])
  expect(
    goThrough(
      [
        [1000, { condition: 'up', since: exactly(900_000) }],
        [1030, down(500)],
      ],
      1200,
    ).told,
  ).toEqual(['1040: down since 900'])
})

test('what has long been so is told when it was seen for ten seconds: one look may be a slip', () => {
  const down = { condition: 'down', since: exactly(100_000) } as const
  expect(goThrough([[1000, down]], 1200).told).toEqual(['1010: down since 100'])
  expect(
    goThrough(
      [
        [1000, down],
        [1005, 'up'],
      ],
      1500,
    ).told,
  ).toEqual([])
})

test('coming and going is one message, and its end another', () => {
  const seen = Array.from({ length: 10 }, (_, n) => [
    [1000 + n * 60, 'up'],
    [1030 + n * 60, 'down'],
  ]).flat() as [number, Condition][]
  const { told } = goThrough([...seen, [1600, 'up']], 4000)
  expect(told).toEqual(['1210: flapping since 1030', '2200: up since 1600'])
})

test('who stays away after flapping is down', () => {
  const seen = Array.from({ length: 5 }, (_, n) => [
    [1000 + n * 60, 'up'],
    [1030 + n * 60, 'down'],
  ]).flat() as [number, Condition][]
  expect(goThrough(seen, 4000).told).toEqual(['1210: flapping since 1030', '1870: down since 1270'])
})

test('while nobody can look, nothing is told; afterwards only what is seen then', () => {
  const seen = [
    [1000, 'up'],
    [1010, 'down'],
    [1050, 'unseen'],
    [3000, 'down'],
    [3060, 'up'],
  ] as const
  expect(goThrough(seen, 4000).told).toEqual([])
})

test('partly down and wholly down are two things', () => {
  const seen = [
    [1000, 'up'],
    [1010, 'partly'],
    [2000, 'down'],
    [3000, 'partly'],
    [4000, 'up'],
  ] as const
  expect(goThrough(seen, 5000).told).toEqual([
    '1130: partly since 1010',
    '2120: down since 2000',
    '3120: partly since 3000',
    '4120: up since 4000',
  ])
})

test('an outage that a former watcher told of is not told again, but its end is', () => {
  const before = standingAs({ condition: 'down', since: 500_000 })
  expect(
    goThrough(
      [
        [1000, 'down'],
        [1200, 'up'],
      ],
      2000,
      before,
    ).told,
  ).toEqual(['1320: up since 1200'])
})

test('whatever is seen: what is told alternates, never overlaps, and is never told of less than it has to hold', () => {
  const sighting = fc.constantFrom('up', 'partly', 'down', 'unseen') as fc.Arbitrary<Sighting['condition']>
  const seen = fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), sighting), { maxLength: 60 })
  fc.assert(
    fc.property(seen, (sightings) => {
      const sorted = [...sightings].sort(([a], [b]) => a - b)
      const { changes } = goThrough(sorted, 4000)
      let [last, since] = ['up', 0]
      for (const { from, to } of changes) {
        expect(from.condition).toBe(last)
        expect(to.condition).not.toBe(last)
        expect(to.since).toBeGreaterThanOrEqual(since)
        ;[last, since] = [to.condition, to.since]
      }
    }),
  )
})

test('who is back through the session that stood all the while is back since it was seen', () => {
  const back = { condition: 'up', since: exactly(900_000) } as const
  const { told } = goThrough(
    [
      [1000, back],
      [1010, 'down'],
      [1300, back],
    ],
    2000,
  )
  expect(told).toEqual(['1130: down since 1010', '1420: up since 1300'])
})

test('a later look may know better when it began: then that is told, with how sure it is', () => {
  const between = (earliest: number, latest: number) =>
    ({ condition: 'down', since: { earliest: earliest * 1000, latest: latest * 1000 } }) as const
  const told = (...seen: (readonly [number, Sighting])[]) =>
    goThrough([[1000, { condition: 'up' }], ...seen], 2000).changes.map(
      ({ to }) => `${to.since / 1000} ± ${(to.plusMinus ?? 0) / 1000}`,
    )
  expect(told([1030, between(1000, 1030)])).toEqual(['1015 ± 15'])
  expect(told([1030, between(1000, 1030)], [1040, between(1003, 1008)])).toEqual(['1005.5 ± 2.5'])
  // What came and went in between is not when it began; nor does a look that knows less count.
  expect(told([1030, between(1000, 1030)], [1060, between(1050, 1051)])).toEqual(['1015 ± 15'])
  expect(told([1030, between(1003, 1008)], [1060, between(1000, 1060)])).toEqual(['1005.5 ± 2.5'])
})
