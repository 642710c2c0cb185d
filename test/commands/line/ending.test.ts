import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build } from '../../dist.ts'
import { program, typed } from './terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-ending-'))
const empty = mkdtempSync(join(tmpdir(), 'provision-empty-'))
// Takes every call, and says nothing.
const silence = createServer(() => {})
beforeAll(async () => {
  await build()
  await new Promise<void>((resolve) => silence.listen(0, '127.0.0.1', resolve))
  const { port } = silence.address() as { port: number }
  const host = { address: '127.0.0.1', port }
  const devices = { pi1: { address: '127.0.0.2', port: 1, via: ['direct'], forwards: ['127.0.0.1:9022:localhost:22'] } }
  const inventory = { login: { user: 'u' }, gateways: { gw: host }, devices }
  writeFileSync(join(folder, 'inventory.json'), JSON.stringify(inventory))
})
afterAll(() => {
  silence.close()
  for (const each of [folder, empty]) rmSync(each, { recursive: true })
})

const ctrlC = '\x03'

describe('Ctrl-C ends with 130', () => {
  test.each([
    ['init', empty, /gateway/i],
    ['drill pi1', folder, /Go on\?/],
    ['plan --ask-sudo-password', folder, /sudo password:/],
  ])('at a question: %s', async (words, cwd, when) => {
    const { code, screen } = await typed(`exec ${program} ${words}`, { cwd, when, key: ctrlC })
    expect(code, screen).toBe(130)
    expect(readdirSync(empty)).toEqual([])
  })

  test.each(['status', 'verify', 'trust', 'doctor pi1'])('while a host is waited for: %s', async (words) => {
    const when = once(silence, 'connection')
    const { code, screen } = await typed(`exec ${program} ${words} --timeout 60`, { cwd: folder, when, key: ctrlC })
    expect(code, screen).toBe(130)
  })
})

test.each(['status --watch --interval 1 --timeout 1', 'help', 'schema'])(
  '%s whose reader has gone ends without a word',
  (words) => {
    const line = `set -o pipefail; ${program} ${words} 2>&1 | head -n 1; echo "\${PIPESTATUS[*]}"`
    const said = execFileSync('bash', ['-c', line], { cwd: folder, encoding: 'utf8', timeout: 30_000 })
    const [first, codes, ...more] = said.trim().split('\n')
    expect(first).not.toContain('Error')
    expect(codes).toMatch(/^(0|141) 0$/)
    expect(more).toEqual([])
  },
)

describe('provision alone', () => {
  test.each([80, 40])('says what to do first where there is no inventory, on %i columns', async (columns) => {
    const { code, screen } = await typed(program, { cwd: empty, columns })
    expect(code).toBe(2)
    expect(screen).toContain('provision init')
    expect(screen.match(/^ {2}provision (init|plan|apply)\b/gm)).toHaveLength(3)
  })

  test('is refused where nobody can be asked', () => {
    const line = `${program} </dev/null 2>&1; echo $?`
    const said = execFileSync('bash', ['-c', line], { cwd: folder, encoding: 'utf8' })
    expect(said).toContain('there is no terminal to ask on\nprovision: hint: name what is to be done')
    expect(said).toMatch(/\n2\n$/)
  })

  test('is an apply on a terminal', async () => {
    const { code, screen } = await typed(`${program} --timeout 1`, { cwd: folder })
    expect(code).toBe(3)
    expect(screen).toContain('gw')
  })
})

test.each([80, 40])('the help fits a terminal of %i columns', async (columns) => {
  const { code, screen } = await typed(`${program} help status`, { cwd: empty, columns })
  expect(code).toBe(0)
  const wide = screen.split('\n').filter((line) => [...line].length > columns)
  expect(wide.filter((line) => !/^ {2}(-|provision )/.test(line))).toEqual([])
})
