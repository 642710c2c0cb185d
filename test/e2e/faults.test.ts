import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { promised, whole } from './faults/courses.ts'
import type { Promised } from './faults/faults.ts'
import { type Matrix, pairsOf, start } from './faults/matrix.ts'
import { deviceOf, inventoryOf } from './faults/pair.ts'
import { type Judged, tableOf } from './faults/table.ts'
import { type Rehearsal, rehearse } from './kit.ts'
import { rounds } from './rounds.ts'

// All courses run side by side from the beginning; a test waits for its own row of the matrix. For a look at a part of it:
// PROVISION_FAULT_SUITES=trixie PROVISION_ROUNDS=1.
const suites = (['trixie', 'bookworm'] as const).filter((suite) =>
  (process.env.PROVISION_FAULT_SUITES ?? suite).includes(suite),
)
const courses = [...whole('socket'), ...promised('sshd')]
const withinS = 60
const roundMs = 240_000
const last = join(import.meta.dirname, '../../bench/last')

const rows: Judged[] = []
let it: Rehearsal
let matrix: Matrix
let promises: ReadonlyMap<string, Promised>

beforeAll(async () => {
  const { inventory, suite } = inventoryOf(pairsOf(suites, courses))
  it = await rehearse(inventory, { suite })
  const { report } = await it.report([it.file], { timeoutMs: 200_000 })
  expect(report.hosts.filter(({ outcome }) => outcome !== 'changed')).toEqual([])
  promises = new Map(report.recoveries.map((recovery) => [recovery.device, recovery]))
  matrix = start(it.lab, { suites, courses, rounds: rounds.length, withinS })
}, 300_000)

afterAll(async () => {
  await matrix?.rows()
  await it?.down()
  await mkdir(last, { recursive: true })
  await writeFile(join(last, 'matrix.json'), `${JSON.stringify(rows, undefined, 1)}\n`)
  process.stdout.write(`\n${tableOf(rows)}\n`)
}, rounds.length * roundMs)

const places = suites.flatMap((suite) =>
  courses.flatMap((course) => course.faults.map((fault) => ({ suite, course, fault }))),
)

describe.each(rounds)('round %i', (round) => {
  for (const { suite, course, fault } of places) {
    const { listener, recoverWithin } = course
    const wish = recoverWithin === undefined ? '' : ` wished for in ${recoverWithin} s`
    test(`${suite}, ${listener}${wish}: ${fault.name}`, { timeout: rounds.length * roundMs }, async () => {
      const row = await matrix.row(suite, course, fault, round)
      const promise = promises.get(deviceOf({ ...course, suite }))
      const limit = typeof fault.limit === 'number' ? fault.limit : (promise?.[fault.limit] ?? 0)
      rows.push({ ...row, round, limit })
      if (recoverWithin !== undefined) expect(limit).toBeLessThanOrEqual(recoverWithin)
      expect(row.seconds, 'seconds until it was back').toBeTypeOf('number')
      expect(row.seconds).toBeLessThanOrEqual(limit)
      if (fault.worst?.includes(listener)) expect(row.seconds).toBeGreaterThan(limit / 4)
      expect(row.anew, 'another tunnel than before').toBe(fault.harmless !== true)
    })
  }
})
