import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, root } from '../dist.ts'
import { type Dialogue, onTerminal, talk } from '../pty.ts'
import { lab, me } from '../ssh/session/fixture.ts'

// The question on a real terminal, with sshds of this machine: what needs no change to be made. A yes: test/e2e/first-run.

const it = lab()
const inside = (name: string) => join(it.folder, name)
const inventory = inside('inventory.json')
beforeAll(async () => {
  await build()
  const [vps, pi1, pi2] = (await Promise.all([it.sshd(), it.sshd(), it.sshd()])).map(({ port, hostKeys }) => ({
    ...{ address: '127.0.0.1', port, hostKeys },
  }))
  const device = { via: ['direct'], forwards: [] }
  const login = { user: me, identityFile: it.key, sudo: false }
  const devices = { pi1: { ...pi1, ...device }, pi2: { ...pi2, ...device } }
  writeFileSync(inventory, JSON.stringify({ id: 'k7w2m9qd', login, gateways: { vps }, devices }))
  writeFileSync(inside('motd'), 'old\n')
  writeFileSync(inside('gone'), 'gone\n')
  writeFileSync(
    inside('own.js'),
    `import { absent, managedFile, on, playbook } from 'provision'
     const file = (name, content) => managedFile(${JSON.stringify(it.folder)} + '/' + name, { content })
     export default playbook(({ gateways, devices }) => [
       on(gateways, () => [file('motd', 'new\\n'), absent(${JSON.stringify(inside('gone'))})]),
       on(devices, () => [file('made/deep/inside/a/folder/of/its/own', 'made\\n')]),
     ])`,
  )
})
afterAll(() => it.end())

function typed(words: readonly string[], columns: number, dialogue: Dialogue, more: Record<string, string> = {}) {
  const { CI: _, ...env } = process.env
  const command = [
    process.execPath,
    join(root, 'bin/provision.js'),
    inventory,
    '--playbook',
    inside('own.js'),
    ...words,
  ]
  const [program = '', ...rest] = onTerminal(command, columns)
  return talk(spawn(program, rest, { env: { ...env, TERM: 'xterm', ...more } }), columns, dialogue)
}
const question = /Apply this plan\? \(yes\/no\) $/
const asBefore = () => {
  expect([readFileSync(inside('motd'), 'utf8'), existsSync(inside('gone')), existsSync(inside('made'))]).toEqual([
    ...['old\n', true, false],
  ])
}

describe.each([80, 40])('on a terminal of %i columns', (columns) => {
  test('the plan is shown, and a no touches nothing', async () => {
    const { code, lines, broken } = await typed([], columns, [[question, 'n\r']])
    const text = lines.join('\n').replaceAll(it.folder, '…')
    expect(code, text).toBe(4)
    // A path stays whole, whatever the width.
    expect(
      broken.filter((line) => !/[/…:]/.test(line)),
      text,
    ).toEqual([])
    const letters = text.replaceAll(/\s/g, '')
    expect(letters).toContain('planforpi1,pi2:+file…/made/deep/inside/a/folder/of/its/own:write')
    expect(letters).toContain('toberemoved:-vps:no…/gone:remove2toadd,1tochange,1toremoveon3hostsApply')
    expect(letters).toMatch(/\(yes\/no\)n.*nothingwastouched:3differs/)
    asBefore()
  })

  test('Ctrl-C at the question ends with 130, and touches nothing', async () => {
    const { code, lines } = await typed([], columns, [[question, '\x03']])
    const text = lines.join('\n')
    expect(code, text).toBe(130)
    expect(text).toMatch(/\(yes\/no\)\s+interrupted: /)
    expect(text).toMatch(/\nnothing was touched: 3 differs/)
    asBefore()
  })
})

test.each([
  ['--quiet', 80],
  ['--json', 80],
] as const)('with %s the plan is shown all the same, since somebody is asked', async (word, columns) => {
  const { code, lines } = await typed([word], columns, [[question, 'no\r']])
  expect(code, lines.join('\n')).toBe(4)
  expect(lines.join('\n')).toMatch(/1 to change, 1 to remove on 3 hosts\nApply/)
  asBefore()
})

test('a check asks nothing, shows diffs only with --diff, and ends with what would be done next', async () => {
  const short = await typed(['--check'], 80, [])
  expect(short.lines.join('\n')).toMatch(/nothing was touched: 3 differs, [\d.]+ s\nnext: provision /)
  expect(short.lines.join('\n')).not.toContain('@@')
  const long = (await typed(['--check', '--diff'], 80, [])).lines.join('\n')
  expect(long.match(/\+made/g)).toHaveLength(1)
  expect(long).toMatch(/\n {4}on 2 devices:\n/)
  expect(short.code).toBe(4)
  asBefore()
})
