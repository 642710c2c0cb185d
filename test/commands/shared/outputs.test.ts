import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { outputs } from '../../../src/commands/shared/outputs.ts'
import { InventoryError } from '../../../src/errors.ts'
import { parse } from '../../inventory/parse.ts'
import { at, night } from '../../report/night.ts'
import { mustBeJUnit } from '../../report/xml.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-outputs-'))
afterAll(() => rmSync(folder, { recursive: true }))
const inventory = parse('{ "gateways": { "gw": {} } }')
const open = (argv: { junit?: string; metrics?: string; json?: boolean }, env: Record<string, string> = {}) =>
  outputs({ inventory, argv: { junit: undefined, metrics: undefined, json: false, ...argv }, env, clock: () => at })

test('what is asked for is written, in folders that are made', async () => {
  const [junit, metrics] = [join(folder, 'a/b/junit.xml'), join(folder, 'c/provision.prom')]
  expect(await (await open({ junit, metrics })).write(night)).toEqual([])
  mustBeJUnit(readFileSync(junit, 'utf8'))
  expect(readFileSync(metrics, 'utf8')).toContain('provision_run_exit_code')
  expect([readdirSync(join(folder, 'a/b')), readdirSync(join(folder, 'c'))]).toEqual([
    ['junit.xml'],
    ['provision.prom'],
  ])
})

test('nothing is written where nothing is asked for', async () => {
  const before = readdirSync(folder)
  expect(await (await open({}, { GITHUB_STEP_SUMMARY: join(folder, 'summary.md') })).write(night)).toEqual([])
  expect(readdirSync(folder)).toEqual(before)
})

test('a summary is added to what others have said there', async () => {
  const file = join(folder, 'summary.md')
  writeFileSync(file, '# Before\n\n')
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: file }
  expect(await (await open({ json: true }, env)).write({ ...night, hosts: [], forwards: [], proofs: [] })).toEqual([])
  expect(readFileSync(file, 'utf8')).toMatch(/^# Before\n\n### provision verify fleet\.json\n\n/)
})

test.each([
  ['', 'takes the name of a file'],
  [folder, 'is a folder'],
  [join(folder, 'file/x'), 'a part of its path is a file'],
  ['/proc/x', 'cannot be written'],
])('%j is refused before the run', async (junit, said) => {
  writeFileSync(join(folder, 'file'), '')
  const refused = open({ junit })
  await expect(refused).rejects.toThrow(InventoryError)
  await expect(refused).rejects.toThrow(said)
})

test('what cannot be written after all is told, and the rest is written', async () => {
  const gone = join(folder, 'gone')
  const metrics = join(folder, 'still.prom')
  const files = await open({ junit: join(gone, 'junit.xml'), metrics })
  rmSync(gone, { recursive: true })
  expect(await files.write(night)).toEqual([`${join(gone, 'junit.xml')} could not be written: its folder is gone`])
  expect(readFileSync(metrics, 'utf8')).toContain('provision_run_exit_code')
  mkdirSync(gone)
})
