import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { build, provision, root } from '../dist.ts'
import { type Dialogue, onTerminal, talk } from '../pty.ts'

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
    stderr: 'next: provision trust, then provision plan\n',
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

/** `provision init`, on a terminal at which somebody types. */
function typed(columns: number, dialogue: Dialogue) {
  const { CI: _, ...env } = process.env
  const [program = '', ...words] = onTerminal([process.execPath, join(root, 'bin/provision.js'), 'init'], columns)
  return talk(spawn(program, words, { cwd: folder, env: { ...env, TERM: 'xterm' } }), columns, dialogue)
}

const answers: Dialogue = [
  [/log\s+in\s+to\s+it\?[^>]*> $/, 'root@vps example\r'],
  [/is\s+not\s+a\s+host\s+name[^>]*> $/, 'root@127.0.0.1:1\r'],
  [/another\s+address[^>]*> $/, 'n\r'],
  [/first\s+device[^>]*> $/, 'pi@pi1.home\r'],
  [/ports\s+of\s+the\s+gateway[^>]*> $/, '\r'],
]
const offer = /Pin\s+the\s+host\s+keys,[^?]*\?\s+\(yes\/no\) $/

describe.each([80, 40])('on a terminal of %i columns', (columns) => {
  test('it asks, checks each answer at once, writes, and says what comes next', async () => {
    const { code, lines, broken } = await typed(columns, [...answers, [offer, 'n\r']])
    const text = lines.join('\n')
    expect({ code, broken }, text).toEqual({ code: 0, broken: [] })
    expect(text).toMatch(/next: provision trust,\s+then\s+provision\s+plan/)
    const written = readFileSync(inside('inventory.json'), 'utf8')
    expect(written).toContain('"127.0.0.1": { "port": 1, "login": { "user": "root" }')
    expect(written).toContain('"pi1.home": { "login": { "user": "pi" }')
  })

  test('Ctrl-C at a question ends it with 130, and nothing is written', async () => {
    const { code } = await typed(columns, [[/> $/, '\x03']])
    expect({ code, files: readdirSync(folder) }).toEqual({ code: 130, files: [] })
  })
})

test('a yes in the end goes on with the next command, as it would be typed, and ends as that does', async () => {
  const { code, lines } = await typed(80, [...answers, [offer, 'y\r']])
  expect(lines).toContain('$ provision trust')
  expect(lines.join('\n')).toMatch(/127\.0\.0\.1 +unreachable: /)
  expect(lines.join('\n')).not.toContain('next:')
  expect(code).toBe(3)
})
