import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Around, meaningOf } from '../../../src/commands/line/meaning.ts'
import { InventoryError } from '../../../src/errors.ts'
import { build, provision } from '../../dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-meaning-'))
const inside = (name: string) => join(folder, name)
beforeAll(build)
afterAll(() => rmSync(folder, { recursive: true }))

const inventory = (device: string) =>
  JSON.stringify({ gateways: { vps: {} }, devices: { [device]: { forwards: ['127.0.0.1:9022:localhost:22'] } } })
writeFileSync(inside('fleet'), inventory('attic'))
writeFileSync(inside('plan'), `{ "version": 1, "digest": "${'0'.repeat(64)}", "hosts": [`)

const fleet = inside('fleet')
const around: Around = { env: { PROVISION_INVENTORY: fleet }, terminal: true }

/** What would be done, and with which words. */
async function meant(words: readonly string[], given = around) {
  const meaning = await meaningOf(words, given)
  if (meaning.kind !== 'command') return meaning
  return (meaning.shape.positionals[0]?.name === 'plan' ? ['a plan file:', ...meaning.words] : meaning.words).join(' ')
}

describe('words that people guess', () => {
  test.each([
    [[], 'apply FLEET'],
    [['apply'], 'apply FLEET'],
    [['up'], 'apply FLEET'],
    [['FLEET'], 'apply FLEET'],
    [['--limit', 'pi1'], 'apply FLEET --limit pi1'],
    [['plan'], 'plan FLEET'],
    [['check', 'FLEET'], 'plan FLEET'],
    [['--check'], 'apply FLEET --check'],
    [['--dry-run', 'FLEET'], 'apply FLEET --dry-run'],
    [['-n'], 'apply FLEET -n'],
    [['--json', 'verify'], 'verify FLEET --json'],
    [['--limit', 'verify', 'status'], 'status FLEET --limit verify'],
    [['apply', 'PLAN', '--quiet'], 'a plan file: apply PLAN --quiet'],
    [['doctor', 'attic'], 'doctor FLEET --device attic'],
  ])('%j', async (words, told) => {
    const named = (text: string) => text.replaceAll('FLEET', fleet).replaceAll('PLAN', inside('plan'))
    expect(await meant(words.map(named))).toBe(named(told))
  })

  test.each([
    [['help'], []],
    [['--help'], []],
    [['-h'], []],
    [
      ['help', 'lab', 'up'],
      ['lab', 'up'],
    ],
    [
      ['up', '-h'],
      ['apply', '-h'],
    ],
    [
      ['lab', 'run', '--help'],
      ['lab', 'run', '--help'],
    ],
  ])('%j asks for help', async (words, of) => {
    expect(await meant(words)).toEqual({ kind: 'help', of })
  })

  test('the help of a command that is run in the lab is its own', async () => {
    expect(await meant(['lab', 'run', '--', 'ls', '--help'])).toBe(`lab run ${fleet} -- ls --help`)
  })
})

describe('nothing is begun by a slip of the finger', () => {
  const refused = (words: readonly string[], given = around) =>
    meaningOf(words, given).then(
      () => 'not refused',
      (error) => (error instanceof InventoryError ? error.message : String(error)),
    )

  test.each([
    [['aply'], 'aply is neither a command nor an inventory file'],
    [['attic'], 'attic is neither a command nor an inventory file'],
    [['plna', 'FLEET'], 'plna is neither a command nor an inventory file'],
    [['--json', 'statsu'], 'statsu is neither a command nor an inventory file'],
    [['verify', 'attic'], 'attic: there is no such file'],
  ])('%j', async (words, said) => {
    expect(await refused(words.map((word) => word.replace('FLEET', fleet)))).toBe(said)
  })

  test('options alone need somebody who can be asked', async () => {
    const said = 'expected a command or an inventory file: there is no terminal to ask on'
    expect(await refused([], { ...around, terminal: false })).toBe(said)
    expect(await refused(['--quiet'], { ...around, terminal: false })).toBe(said)
    expect(await meant(['apply'], { ...around, terminal: false })).toBe(`apply ${fleet}`)
  })

  test('a default inventory that is not there', async () => {
    const env = { PROVISION_INVENTORY: inside('gone') }
    expect(await refused(['verify'], { env, terminal: true })).toBe(
      `PROVISION_INVENTORY is ${inside('gone')}: there is no such file`,
    )
  })
})

test('inventory.json in this folder goes first, then $PROVISION_INVENTORY', () => {
  const env = { PROVISION_INVENTORY: fleet }
  const named = () => provision(['ssh-config'], { cwd: folder, env }).stdout.match(/^Host (?!vps).*/m)?.[0]
  expect(named()).toBe('Host attic')
  writeFileSync(inside('inventory.json'), inventory('cellar'))
  expect(named()).toBe('Host cellar')
  expect(provision(['ssh-config', 'fleet'], { cwd: folder, env }).stdout).toContain('Host attic')
})

test('a plan that is damaged is refused as a plan', () => {
  const { code, stderr } = provision(['apply', 'plan'], { cwd: folder })
  expect([code, stderr]).toEqual([2, expect.stringContaining('provision: error: plan: is not a plan')])
})

test('`plan` and `--check` are the same run', () => {
  writeFileSync(
    inside('away.json'),
    JSON.stringify({ gateways: { gw: { address: '127.0.0.1', port: 1 } }, devices: {} }),
  )
  for (const words of [['plan'], ['--dry-run']]) {
    const { code, stdout } = provision([...words, 'away.json', '--json', '--timeout', '1'], { cwd: folder })
    expect([code, JSON.parse(stdout).command]).toEqual([3, 'check'])
  }
})
