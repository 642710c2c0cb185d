import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadedCatalog } from '../../../src/commands/line/catalog.ts'
import { manualPage } from '../../../src/commands/line/manual.ts'
import type { Shape } from '../../../src/commands/line/shape.ts'
import { build, root } from '../../dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-manual-'))
const file = join(folder, 'provision.1')
beforeAll(build)
afterAll(() => rmSync(folder, { recursive: true }))

const tops = await loadedCatalog()
const all = (some: readonly Shape[]): Shape[] => some.flatMap((shape) => [shape, ...all(shape.commands)])
const page = manualPage(tops, '1.2.3')
writeFileSync(file, page)

const inColumns = (columns: number) => {
  const env = { PATH: process.env.PATH, MANWIDTH: String(columns), LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: '' }
  const { status, stdout, stderr } = spawnSync('man', ['-l', file], { encoding: 'utf8', env })
  expect([status, stderr]).toEqual([0, ''])
  return stdout.replaceAll(/.\x08/g, '')
}

test('mandoc finds nothing wrong with it', () => {
  const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', file], { encoding: 'utf8' })
  // It has none, so that the same sources make the same page.
  expect(stdout.replace(/^mandoc: .*: WARNING: missing date, using "": TH\n/, '')).toBe('')
})

test('man shows every command and every option, on a wide and on a narrow terminal', () => {
  const wide = inColumns(200)
  for (const { path, options } of all(tops)) {
    expect(wide).toContain(`provision ${path}`)
    for (const { name, on } of options) expect(wide).toContain(`--${on ? 'no-' : ''}${name}`)
  }
  const narrow = inColumns(60)
  expect(narrow.replaceAll(/\s+/g, ' ')).toContain('provision - reverse SSH tunnels')
  expect(Math.max(...narrow.split('\n').map((line) => [...line].length))).toBeLessThan(80)
})

test('its exit codes and its environment are those of README.md and the guide', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const [, codes = ''] = readme.split('## Exit codes')
  const numbers = [...codes.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => code)
  const told = page.slice(page.indexOf('.SH EXIT STATUS'), page.indexOf('.SH ENVIRONMENT'))
  expect([...told.matchAll(/^\.B (\d+)$/gm)].map(([, code]) => code)).toEqual(numbers)
  const guide = readFileSync(join(root, 'docs/guide.md'), 'utf8')
  const variables = page.slice(page.indexOf('.SH ENVIRONMENT')).match(/\b(PROVISION_\w+|SSH_AUTH_SOCK|NO_COLOR|CI)\b/g)
  for (const variable of variables ?? []) expect(guide).toContain(`\`${variable}\``)
})

test('the build has made it of the same, with the version of the package', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(readFileSync(join(root, 'dist/provision.1'), 'utf8')).toBe(manualPage(tops, version))
  expect(JSON.parse(readFileSync(join(root, 'dist/commands.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(tops)))
})
