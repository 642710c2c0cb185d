import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Matrix, start } from './edits/matrix.ts'
import { everyField, sampled } from './edits/sample.ts'
import { blows } from './edits/struck.ts'
import { lineOf, tableOf } from './edits/table.ts'
import type { Row } from './edits/trial.ts'

/**
 * Edits of an inventory that people make, each from the LAN, from outside, and with our own ssh_config block installed.
 * Each edit once, in a field of the matrix that the seed chooses; PROVISION_EDITS=all goes through the whole of it, and
 * other words choose the fields whose names hold them (`another port,LAN|a group`). PROVISION_EDITS_SEED repeats a run that failed.
 */
const seed = Number(process.env.PROVISION_EDITS_SEED ?? Date.now() % 1_000_000)
const wish = process.env.PROVISION_EDITS ?? ''
const benches = Number(process.env.PROVISION_EDITS_BENCHES ?? (wish === 'all' ? 2 : 1))
const holds = (text: string) => wish.split('|').some((one) => one.split(',').every((word) => text.includes(word)))
const chosen = everyField.filter(({ edit, column, listener }) => holds(`${edit.name} / ${column.name} / ${listener}`))
const fields = wish === 'all' ? everyField : wish === '' ? sampled(seed) : chosen
const struck = wish === 'all' ? blows(seed, 24) : wish === '' || wish === 'struck' ? blows(seed, 6) : []
const last = join(import.meta.dirname, '../../bench/last')
const patience = { timeout: 1000 * 60 * (wish === 'all' ? 120 : 30) }

const rows: Row[] = []
let matrix: Matrix

beforeAll(() => {
  process.stdout.write(`PROVISION_EDITS_SEED=${seed}\n`)
  matrix = start([...fields, ...struck], benches, (row) => process.stdout.write(`${lineOf(row)}\n`))
})
afterAll(async () => {
  await matrix.ended
  await mkdir(last, { recursive: true })
  await writeFile(join(last, 'edits.json'), `${JSON.stringify(rows, undefined, 1)}\n`)
  process.stdout.write(`\n${tableOf(rows)}\n`)
}, patience.timeout)

async function judge(trial: Parameters<Matrix['row']>[0]): Promise<void> {
  const row = await matrix.row(trial)
  rows.push(row)
  expect(row.problems, `${row.edit}, ${row.column}, ${row.listener}: ${row.what} (seed ${seed})`).toEqual([])
}

describe('after an edit everybody is reachable as himself, and nobody else has lost anything', () => {
  test.each(fields.map((field) => [field.listener, field.column.name, field.edit.name, field] as const))(
    '%s, %s: %s',
    patience,
    (_listener, _column, _edit, field) => judge(field),
  )
})

describe('the same where it is struck in the middle', () => {
  test.each(struck.map((blow) => [blow.listener, blow.column.name, blow.edit.name, blow.strike.fault, blow] as const))(
    '%s, %s: %s, %s',
    patience,
    (_listener, _column, _edit, _fault, blow) => judge(blow),
  )
})
