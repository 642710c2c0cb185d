import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rewriteInventory } from '../../src/commands/shared/rewrite-inventory.ts'
import { withDevices } from '../../src/inventory/edit/add-devices.ts'
import { build, provision } from '../dist.ts'
import { parse } from '../inventory/parse.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-add-'))
const file = join(folder, 'fleet.json')
beforeAll(build)
afterAll(() => rmSync(folder, { recursive: true }))

const text = `\ufeff{
  // größer, 東京
  "gateways": { "gw": { "ports": "9000-9999" } },
  "devices": {
    "a": { "forwards": ["9000:localhost:22"] }, // 京都
  },
}
`

test('what was added is printed, and stands in the file beside what was there', () => {
  writeFileSync(file, text)
  const { code, stdout, stderr } = provision(['add', file, 'b', 'c', '--to', 'printer:80'])
  expect([code, stdout]).toEqual([0, 'b  127.0.0.1:9001:printer:80 on gw\nc  127.0.0.1:9002:printer:80 on gw\n'])
  expect(stderr).toBe(`written to ${file}; next, pin the new host keys: provision trust ${file}\n`)
  expect(readFileSync(file, 'utf8')).toBe(
    text.replace(
      '// 京都\n',
      `// 京都
    "b": { "forwards": ["127.0.0.1:9001:printer:80"] },
    "c": { "forwards": ["127.0.0.1:9002:printer:80"] },
`,
    ),
  )
})

test('several at once get a port each', async () => {
  writeFileSync(file, text)
  const names = ['b', 'c', 'd', 'e', 'f', 'g']
  const to = { host: 'localhost', hostPort: 22 }
  await Promise.all(
    names.map((name) =>
      rewriteInventory(file, (before, read) => withDevices(before, { names: [name], gateways: [], to }, read)),
    ),
  )
  const { devices } = parse(readFileSync(file, 'utf8'))
  const ports = devices.flatMap(({ forwards }) => forwards.map(({ port }) => port))
  expect(ports.sort()).toEqual([9000, 9001, 9002, 9003, 9004, 9005, 9006])
})

test.each([
  [['a'], 'a is already in the inventory'],
  [['b', '--to', 'localhost'], '--to takes a host and a port, not localhost'],
  [['b', '--gateway', 'elsewhere'], 'there is no gateway elsewhere: known are gw'],
  [[], 'NAME… is missing: The new devices'],
])('%j leaves the file as it is', (words, said) => {
  writeFileSync(file, text)
  const { code, stdout, stderr } = provision(['add', file, ...words])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(`provision: error: ${said}`)
  expect(readFileSync(file, 'utf8')).toBe(text)
})
