import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { readInventory } from '../../../src/inventory/read/inventory.ts'
import { localTime } from '../../../src/report/local-time.ts'
import type { Report } from '../../../src/report/report.ts'
import { mustBeOf, readPlan, type Sources, withIdentity, writePlan } from '../../../src/run/plan/plan-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plan-file-'))
  onTestFinished(() => rm(folder, { recursive: true }))
})

const wishes = (port: number) => ({
  login: { user: 'user001' },
  gateways: { gw: {} },
  devices: { 'host-a': { forwards: [`127.0.0.1:${port}:localhost:22`] } },
})
const host = { name: 'host-a', role: 'device', outcome: 'differs', seconds: 1, resources: ['file /etc/mötd'] } as const
const report = { hosts: [{ ...host, changes: [{ resource: 'file /etc/mötd', summary: 'write' }] }], recoveries: [] }
const made = new Date('2026-11-24T12:00:00Z')

async function sources(port = 9022): Promise<Sources> {
  const file = join(folder, 'inventory.json')
  await writeFile(file, JSON.stringify(wishes(port)))
  return { inventory: await readInventory(file), playbook: undefined, limit: ['host-*'] }
}
const write = async (file: string, from: Sources) => writePlan(file, from, report as unknown as Report, made)

test('a plan is read as it was written', async () => {
  const file = join(folder, 'plan.json')
  const from = await sources()
  await write(file, from)
  const plan = await readPlan(file)
  expect(plan).toMatchObject({ version: 1, made: made.toISOString(), limit: ['host-*'], hosts: report.hosts })
  expect(plan.inventory).toBe(relative(process.cwd(), join(folder, 'inventory.json')))
  await expect(mustBeOf(plan, file, from)).resolves.toBeUndefined()
})

test('plan and inventory may move together', async () => {
  await mkdir(join(folder, 'here/plans'), { recursive: true })
  const inventory = join(folder, 'here/inventory.json')
  await writeFile(inventory, JSON.stringify(wishes(9022)))
  const from = { inventory: await readInventory(inventory), playbook: undefined, limit: [] }
  await write(join(folder, 'here/plans/plan.json'), from)
  await rename(join(folder, 'here'), join(folder, 'there'))
  const file = join(folder, 'there/plans/plan.json')
  const plan = await readPlan(file)
  expect(join(process.cwd(), plan.inventory)).toBe(join(folder, 'there/inventory.json'))
  const moved = { ...from, inventory: await readInventory(plan.inventory) }
  await expect(mustBeOf(plan, file, moved)).resolves.toBeUndefined()
})

test('a plan of another inventory, or of another playbook, is refused', async () => {
  const file = join(folder, 'plan.json')
  const from = await sources()
  await write(file, from)
  const plan = await readPlan(file)
  await expect(mustBeOf(plan, file, await sources(9023))).rejects.toThrow(
    `${file}: ${join(folder, 'inventory.json')} has changed since this plan was made, ${localTime(made.toISOString())}`,
  )
  const playbook = join(folder, 'own.ts')
  await writeFile(playbook, 'export default () => []\n')
  await expect(mustBeOf(plan, file, { ...from, playbook })).rejects.toThrow('has changed since')
})

test('a plan holds when the identity was written since, and brings the one that it was made with', async () => {
  const file = join(folder, 'plan.json')
  const from = await sources()
  await write(file, { ...from, inventory: { ...from.inventory, id: 'ofaplan2' } })
  const plan = await readPlan(file)
  expect(plan.id).toBe('ofaplan2')
  const change = { resource: 'authorized-keys x', summary: 'write', diff: '+ssh-ed25519 AAAA x provision ofaplan2\n' }
  const other = { made: plan.id, now: 'written3' }
  expect(withIdentity([{ ...host, changes: [change] }], other)).toEqual([
    { ...host, changes: [{ ...change, diff: '+ssh-ed25519 AAAA x provision written3\n' }] },
  ])
  await expect(mustBeOf(plan, file, from)).resolves.toBeUndefined()
})

test.each([
  ['no JSON', '{'],
  ['an inventory', JSON.stringify(wishes(9022))],
  ['nothing', 'null'],
  ['a plan of another time', JSON.stringify({ version: 2, made: '', inventory: '', digest: '', hosts: [], limit: [] })],
])('%s is no plan', async (_, text) => {
  const file = join(folder, 'plan.json')
  await writeFile(file, text)
  await expect(readPlan(file)).rejects.toThrow(`${file}: is not a plan`)
})

test('a file that is not there is named', async () => {
  await expect(readPlan(join(folder, 'none.json'))).rejects.toThrow('none.json: cannot be read (ENOENT)')
})

test('a plan is whole UTF-8 text with a line end', async () => {
  const file = join(folder, 'plan.json')
  await write(file, await sources())
  const text = await readFile(file, 'utf8')
  expect(text).toContain('file /etc/mötd')
  expect(text.endsWith('}\n')).toBe(true)
})
