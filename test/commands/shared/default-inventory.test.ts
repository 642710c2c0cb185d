import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { defaultInventory } from '../../../src/commands/shared/default-inventory.ts'

const before = process.cwd()
const folder = mkdtempSync(join(tmpdir(), 'provision-default-'))
beforeAll(() => process.chdir(folder))
afterEach(() => rmSync(join(folder, 'inventory.json'), { force: true }))
afterAll(() => {
  process.chdir(before)
  rmSync(folder, { recursive: true })
})

test('it is the one here, else that of PROVISION_INVENTORY, else none', () => {
  expect(() => defaultInventory({})).toThrow('there is no inventory.json here')
  expect(defaultInventory({ PROVISION_INVENTORY: '/site/fleet.json' })).toBe('/site/fleet.json')
  writeFileSync('inventory.json', '{}')
  expect(defaultInventory({ PROVISION_INVENTORY: '/site/fleet.json' })).toBe('inventory.json')
})
