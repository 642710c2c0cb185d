import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cardBase } from '../../src/lab/base.ts'
import { attempt, type Row } from './cards/bench.ts'
import { everyField, type Field, formats, nameOf, sampled } from './cards/fields.ts'
import { lineOf, tableOf } from './cards/table.ts'
import { generator } from './edits/sample.ts'
import { type Rehearsal, rehearse } from './kit.ts'

/**
 * Cards of all kinds in machines that are what a Pi is, see src/lab/card.ts: each comes back, keeps what was customised, and ends
 * what its system has begun. A few fields of the matrix, which the seed chooses; PROVISION_CARDS=all goes through the whole of
 * it, and other words choose the fields whose names hold them (`firstrun,3 power cuts`). PROVISION_CARDS_SEED repeats a run.
 */
const seed = Number(process.env.PROVISION_CARDS_SEED ?? Date.now() % 1_000_000)
const wish = process.env.PROVISION_CARDS ?? ''
const chosen = everyField.filter((field) => wish.split(',').every((word) => nameOf(field).includes(word)))
const fields = wish === 'all' ? everyField : wish === '' ? sampled(seed) : chosen
/** So many devices for each format, each with a gateway of its own, one card after the other. */
const many = wish === '' ? 1 : 2
const last = join(import.meta.dirname, '../../bench/last')
const patience = 1000 * 60 * (wish === '' ? 10 : 90)

const lanes = formats.flatMap((format) =>
  Array.from({ length: many }, (_, index) => ({
    format,
    name: `${format}-${index}.lan.internal`,
    gateway: `gw-${format}-${index}.guest.internal`,
  })),
)
const machines = {
  gateways: Object.fromEntries(lanes.map(({ gateway }) => [gateway, {}])),
  devices: Object.fromEntries(
    lanes.map(({ name, gateway }) => [name, { forwards: [{ gateway, port: 9022, host: 'localhost', hostPort: 22 }] }]),
  ),
}

let it: Rehearsal
const rows: Row[] = []
const work = new Map<Field, Promise<Row>>()
beforeAll(async () => {
  process.stdout.write(`PROVISION_CARDS_SEED=${seed}\n`)
  // Built once, which takes longer than a test may.
  for (const suite of ['trixie', 'bookworm'] as const) await cardBase(suite)
  const suites = lanes.filter(({ format }) => format === 'firstrun').map(({ name }) => [name, 'bookworm'] as const)
  it = await rehearse(machines, { suite: Object.fromEntries(suites) })
  const random = generator(seed)
  for (const [at, { format, name, gateway }] of lanes.entries()) {
    const lane = { it, machine: it.lab.machine(name), gateway: it.lab.machine(gateway) }
    let before: Promise<unknown> = Promise.resolve()
    const own = fields.filter((field) => field.format === format).filter((_, index) => index % many === at % many)
    for (const field of own) {
      const port = 10_000 + 2 * fields.indexOf(field)
      const row = before.then(() => attempt(lane, field, port, random))
      work.set(field, row)
      before = row
    }
  }
}, 600_000)
afterAll(async () => {
  await Promise.all(work.values())
  await it?.down()
  await mkdir(last, { recursive: true })
  await writeFile(join(last, 'cards.json'), `${JSON.stringify(rows, undefined, 1)}\n`)
  process.stdout.write(`\n${tableOf(rows)}\n`)
}, patience)

test.each(fields.map((field) => [nameOf(field), field] as const))('%s', { timeout: patience }, async (name, field) => {
  const row = await work.get(field)
  if (row === undefined) throw new Error('not tried')
  rows.push(row)
  process.stdout.write(`${lineOf(row)}\n`)
  expect(row.problems, `${name} (seed ${seed})`).toEqual([])
})
