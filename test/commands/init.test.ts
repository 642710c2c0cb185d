import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { build, provision, root } from '../dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-init-'))
const inside = (name: string) => join(folder, name)
beforeAll(build)
beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(inside(name))
})
afterAll(() => rmSync(folder, { recursive: true }))

const named = ['--gateway', 'gw.example', '--device', 'pi.example']

test('what it writes is an inventory, with its schema beside it', () => {
  expect(provision(['init', ...named], { cwd: folder })).toEqual({
    code: 0,
    stdout: 'inventory.json  written\nschema.json  written\n',
    stderr: 'next: provision trust inventory.json, then provision inventory.json --check\n',
  })
  expect(provision(['schema', 'inventory.json'], { cwd: folder }).stdout).toBe(
    'inventory.json: correct: 1 gateway, 1 device, 1 forward\n',
  )
  expect(readFileSync(inside('schema.json'), 'utf8')).toBe(provision(['schema']).stdout)
})

test('nothing that is there is overwritten', () => {
  writeFileSync(inside('inventory.json'), 'mine')
  writeFileSync(inside('schema.json'), 'mine, too')
  const refused = provision(['init', ...named], { cwd: folder })
  expect(refused).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'provision: error: inventory.json already exists\nprovision: hint: add to it with `provision add inventory.json NAME`\n',
  })
  const other = provision(['init', 'site.json', ...named], { cwd: folder })
  expect([other.code, other.stdout]).toEqual([
    0,
    'site.json  written\nschema.json  already exists and differs; `provision schema` prints the schema of inventories\n',
  ])
  expect([readFileSync(inside('inventory.json'), 'utf8'), readFileSync(inside('schema.json'), 'utf8')]).toEqual([
    'mine',
    'mine, too',
  ])
})

test('without a terminal and without options it asks nobody, and writes nothing', () => {
  const { code, stdout, stderr } = provision(['init'], { cwd: folder })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain('there is no terminal to ask on\nprovision: hint: add --gateway NAME and --device NAME')
  expect(readdirSync(folder)).toEqual([])
})

test('on a terminal it asks', () => {
  // script(1) gives it one.
  const command = `${process.execPath} ${join(root, 'bin/provision.js')} init`
  const said = execFileSync('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    input: 'gw example\ngw.example\n\npi.example\n\nuser001\n',
    encoding: 'utf8',
  })
  expect(said).toContain('"gw example" is not a host name')
  expect(said.match(/: $|\): /gm)).toHaveLength(6)
  expect(readFileSync(inside('inventory.json'), 'utf8')).toContain('"login": { "user": "user001" }')
})
