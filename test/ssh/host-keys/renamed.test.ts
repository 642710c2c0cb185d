import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { RenamedHost } from '../../../src/errors.ts'
import { openPins, parseHostKey } from '../../../src/ssh/host-keys/pins.ts'
import { namesOf, renamedPins } from '../../../src/ssh/host-keys/renamed.ts'
import { KEY, parse, RSA } from '../../inventory/parse.ts'

const key = parseHostKey(KEY) as NonNullable<ReturnType<typeof parseHostKey>>

test('every line of the name is one of the other name, and what else stands there stays', () => {
  const before = `# mine\nroof ${KEY} a comment\r\n@revoked roof ${RSA}\n[Roof]:2222,10.0.0.7 ${KEY}\nroof2 ${KEY}\n*.lan ${KEY}\n# enrolment roof ${KEY} 1\nroof`
  expect(renamedPins(before, 'roof', 'attic')).toBe(
    `# mine\nattic ${KEY} a comment\r\n@revoked attic ${RSA}\n[attic]:2222,10.0.0.7 ${KEY}\nroof2 ${KEY}\n*.lan ${KEY}\n# enrolment roof ${KEY} 1\nroof`,
  )
})

test('a hashed line, too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'renamed-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'known_hosts')
  writeFileSync(file, `roof ${KEY}\ncellar ${KEY}\n`)
  execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
  const [, cellar] = readFileSync(file, 'utf8').split('\n')
  expect(renamedPins(readFileSync(file, 'utf8'), 'roof', 'attic')).toBe(`attic ${KEY}\n${cellar}\n`)
})

test('of a key, the names that can be read', () => {
  const text = `roof ${KEY}\n[porch]:22,10.0.0.7,*.lan ${KEY}\n@revoked bad ${KEY}\nother ${RSA}\n|1|x|y ${KEY}\n`
  expect(namesOf(text, key)).toEqual(['roof', 'porch'])
})

describe('a device that shows the key of one that is in the inventory no more', () => {
  const inventory = parse('{ "gateways": { "gw": {} }, "devices": { "attic": {}, "cellar": {} } }')
  const opened = (pinned: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'renamed-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'known_hosts')
    writeFileSync(file, pinned)
    const pins = openPins({ file, inventory, onUnknown: async () => true })
    return { pins, text: () => readFileSync(file, 'utf8') }
  }
  const host = (name: string) => ({ name, hostKeys: [] })

  test('is not pinned, although every unknown key would be: the command is named', async () => {
    const { pins, text } = opened(`roof ${KEY}\n`)
    const error = await pins.settle(host('attic'), key).catch((problem: unknown) => problem)
    expect(error).toBeInstanceOf(RenamedHost)
    expect(error).toMatchObject({
      kind: 'unknown-host-key',
      formerName: 'roof',
      message: expect.stringContaining('which is pinned for roof, and inventory.json has no roof'),
      hint: expect.stringContaining('provision rename inventory.json roof attic`'),
    })
    expect(text()).toBe(`roof ${KEY}\n`)
  })

  test.each([
    ['nobody has that key', 'attic', `roof ${RSA}\n`],
    ['another device of the inventory has it, too', 'attic', `roof ${KEY}\ncellar ${KEY}\n`],
    ['it is a gateway', 'gw', `roof ${KEY}\n`],
  ])('is pinned as ever where %s', async (_, name, pinned) => {
    const { pins, text } = opened(pinned)
    await pins.settle(host(name), key)
    expect(text()).toBe(`${pinned}${name} ${KEY}\n`)
  })
})
