import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { identify } from '../../../src/commands/shared/identify.ts'
import { readInventory } from '../../../src/inventory/read/inventory.ts'

const text = '\ufeff// ours\r\n{\r\n  "gateways": { "gw-ü": {} }, // Tür\r\n}\r\n'.replace('gw-ü', 'gw')
let file: string
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'identify-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  file = join(folder, 'inventory.json')
  await writeFile(file, text)
})
const now = () => readFile(file, 'utf8')

test('a run that makes things writes it, and says so', async () => {
  const { id = '', note } = await identify(file, { applies: true, shared: false })
  expect(note).toBe(
    `${file}: "id": "${id}" was added, which marks what this inventory makes on its hosts: keep it, and commit the file`,
  )
  expect(await now()).toBe(text.replace('{\r\n', `{\r\n  "id": "${id}",\r\n`))
  expect((await readInventory(file)).id).toBe(id)
})

test('one that looks thinks of one, and writes nothing', async () => {
  const { id, note } = await identify(file, { applies: false, shared: false })
  expect({ id, note, text: await now() }).toEqual({ id: expect.stringMatching(/^[a-z2-9]{8}$/), note: undefined, text })
})

test('a plan that is applied brings its own', async () => {
  expect(await identify(file, { applies: true, shared: false, planned: 'ofaplan2' })).toMatchObject({ id: 'ofaplan2' })
  expect((await readInventory(file)).id).toBe('ofaplan2')
})

test('of two runs that begin at once, both have the same', async () => {
  const both = await Promise.all([1, 2].map(() => identify(file, { applies: true, shared: false })))
  expect(new Set(both.map(({ id }) => id)).size).toBe(1)
})

test('each machine of a --shard would write another one, so none does', async () => {
  const { id, note } = await identify(file, { applies: true, shared: true })
  expect(id).toBeUndefined()
  expect(note).toContain('has no "id", because each machine of a --shard would write a different one')
  expect(note).toContain('--prune will not be possible')
  expect(await now()).toBe(text)
})
