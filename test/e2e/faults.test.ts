import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { matrix as courses } from './faults/courses.ts'
import { type Matrix, pairsOf, start } from './faults/matrix.ts'
import { inventoryOf } from './faults/pair.ts'
import { type Judged, tableOf } from './faults/table.ts'
import { type Rehearsal, rehearse } from './kit.ts'

// All faults on all pairs run side by side from the beginning; a test waits for its own row.
const suites = ['trixie', 'bookworm'] as const
const rounds = Number(process.env.PROVISION_FAULT_ROUNDS ?? 3)
const withinS = 60
const overMs = rounds * 300_000
const report = join(import.meta.dirname, '../../bench/last')

const rows: Judged[] = []
let it: Rehearsal
let matrix: Matrix

beforeAll(async () => {
  const { inventory, suite } = inventoryOf(pairsOf(suites, courses))
  it = await rehearse(inventory, { suite })
  const { code, stderr } = await it.provision([it.file], { timeoutMs: 200_000 })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  matrix = start(it.lab, { suites, courses, rounds, withinS })
}, 300_000)

afterAll(async () => {
  await matrix?.over
  await it?.down()
  await mkdir(report, { recursive: true })
  await writeFile(join(report, 'faults.json'), JSON.stringify(rows, undefined, 1))
  process.stdout.write(`\n${tableOf(rows)}\n`)
}, overMs)

describe.each(Array.from({ length: rounds }, (_, n) => n + 1))('round %i', (round) => {
  const cases = suites.flatMap((suite) =>
    courses.flatMap((course) =>
      course.faults.map((fault) => ({ name: fault.name, suite, listener: course.listener, course, fault })),
    ),
  )
  test.each(cases)(
    '$suite, $listener: $name',
    async ({ suite, course, fault }) => {
      const row = await matrix.row(suite, course, fault, round)
      rows.push({ ...row, round, limit: withinS })
      expect(row.seconds).toBeLessThan(withinS)
      expect(row.anew).toBe(fault.harmless !== true)
    },
    overMs,
  )
})
