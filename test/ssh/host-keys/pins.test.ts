import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { Pinned } from '../../../src/ssh/host-keys/pinned.ts'
import { fingerprintOf, hostKeyText, judge, openPins } from '../../../src/ssh/host-keys/pins.ts'
import { type PublicKey, publicKey } from '../session/fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-pins-'))
const file = join(folder, 'known_hosts')
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => rmSync(file, { force: true }))

const [one, two, three] = [publicKey(folder, 'one'), publicKey(folder, 'two'), publicKey(folder, 'three')]

const hostA: Pinned = { name: 'host-a.lan.internal', hostKeys: [] }
const pins = () => openPins({ file })
const verdict = async (host: Pinned, key: PublicKey, text?: string) => {
  if (text !== undefined) writeFileSync(file, text)
  return judge(await pins().for(host), key.key)
}

test('a fingerprint is the one that ssh-keygen prints', () => {
  const printed = execFileSync('ssh-keygen', ['-lf', `${one.path}.pub`])
    .toString()
    .split(' ')[1]
  expect([fingerprintOf(one.key), fingerprintOf(one.text), fingerprintOf(one.key.blob)]).toEqual([
    printed,
    printed,
    printed,
  ])
})

describe('a line of known_hosts', () => {
  test.each([
    ['plain', `host-a.lan.internal ${one.text} a comment`, 'known'],
    ['in capitals', `HOST-A.lan.internal ${one.text}`, 'known'],
    ['among others', `10.0.0.1,host-a.lan.internal ${one.text}`, 'known'],
    ['with a wildcard', `host-?.*.internal ${one.text}`, 'known'],
    ['negated', `*.internal,!host-a.* ${one.text}`, 'unknown'],
    ['for another host', `host-b.lan.internal ${one.text}`, 'unknown'],
    ['of which the name is a part', `xhost-a.lan.internal,host-a.lan.internal.evil ${one.text}`, 'unknown'],
    ['in which a dot is a dot', `host-aXlan.internal ${one.text}`, 'unknown'],
    ['in a comment', `# host-a.lan.internal ${one.text}`, 'unknown'],
    ['of an authority', `@cert-authority host-a.lan.internal ${one.text}`, 'unknown'],
    ['with another key', `host-a.lan.internal ${two.text}`, 'changed'],
    ['with a fitting key after another', `host-a.lan.internal ${two.text}\nhost-a.lan.internal ${one.text}`, 'known'],
    ['that revokes', `host-a.lan.internal ${one.text}\n@revoked * ${one.text}`, 'revoked'],
    ['that revokes another key', `host-a.lan.internal ${one.text}\n@revoked * ${two.text}`, 'known'],
    ['that is cut short', 'host-a.lan.internal ssh-ed25519', 'unknown'],
    ['that lies about the type', `host-a.lan.internal ${one.text.replace('ssh-ed25519', 'ssh-rsa')}`, 'unknown'],
    ['ending in CRLF', `host-a.lan.internal ${one.text}\r\n`, 'known'],
  ])('%s', async (_title, text, expected) => {
    expect(await verdict(hostA, one, text)).toBe(expected)
  })

  test('hashed by ssh-keygen -H', async () => {
    writeFileSync(file, `host-a.lan.internal ${one.text}\nhost-b.lan.internal ${two.text}\n`)
    execFileSync('ssh-keygen', ['-Hf', file], { stdio: 'ignore' })
    expect(readFileSync(file, 'utf8')).not.toContain('host-a')
    expect(await verdict(hostA, one)).toBe('known')
    expect(await verdict({ ...hostA, name: 'host-b.lan.internal' }, one)).toBe('changed')
    expect(await verdict({ ...hostA, name: 'host-c.lan.internal' }, one)).toBe('unknown')
  })

  test('with a port', async () => {
    const text = `[host-a.lan.internal]:2222 ${one.text}`
    expect(await verdict({ ...hostA, port: 2222 }, one, text)).toBe('known')
    expect(await verdict(hostA, one, text)).toBe('unknown')
  })

  test('no file at all pins nothing', async () => expect(await verdict(hostA, one)).toBe('unknown'))
})

describe('an authority', () => {
  test('is known where its pattern fits, and is no key of the host itself', async () => {
    writeFileSync(
      file,
      `@cert-authority *.lan.internal ${one.text}\n@cert-authority host-b.* ${two.text}\nhost-a.lan.internal ${three.text}\n`,
    )
    const known = await pins().for(hostA)
    expect(known.authorities.map(hostKeyText)).toEqual([one.text])
    expect(known.keys.map(hostKeyText)).toEqual([three.text])
    const inventory = await pins().for({ ...hostA, hostKeys: [`@cert-authority ${two.text}`] })
    expect(inventory).toMatchObject({ keys: [], fingerprints: [], from: 'inventory' })
    expect(inventory.authorities.map(hostKeyText)).toEqual([two.text])
  })

  test('stays where the keys of a host are replaced', async () => {
    const line = `@cert-authority host-a.lan.internal ${one.text}\n`
    writeFileSync(file, `${line}host-a.lan.internal ${two.text}\n`)
    await pins().replace(hostA, three.key)
    expect(readFileSync(file, 'utf8')).toBe(`${line}host-a.lan.internal ${three.text}\n`)
    await pins().keep(hostA, [])
    expect(readFileSync(file, 'utf8')).toBe(line)
  })
})

describe('pins in the inventory', () => {
  test.each([
    ['a key', [one.text], 'known'],
    ['a key with a comment', [`${one.text} root@pi`], 'known'],
    ['a fingerprint', [fingerprintOf(one.key)], 'known'],
    ['other ones', [two.text, fingerprintOf(three.key)], 'changed'],
  ])('%s', async (_title, hostKeys, expected) => {
    expect(await verdict({ ...hostA, hostKeys }, one, `host-a.lan.internal ${two.text}\n`)).toBe(expected)
  })

  test('are not looked at when PROVISION_KNOWN_HOSTS names a file', async () => {
    writeFileSync(file, `host-a.lan.internal ${two.text}\n`)
    const known = await openPins({ file: '/nowhere', knownHosts: file }).for({ ...hostA, hostKeys: [one.text] })
    expect(judge(known, one.key)).toBe('changed')
  })
})

describe('what a login would go by', () => {
  const text = ({ key }: PublicKey) => hostKeyText(key)

  test('is what is pinned, and what the user accepts in its place', async () => {
    writeFileSync(file, `host-a.lan.internal ${text(one)}\n`)
    const plain = await pins().trusted(hostA)
    expect([one, two].map((key) => plain(text(key)))).toEqual([true, false])
    const accepting = await openPins({ file, acceptNew: new Set(['host-a.lan.internal']) }).trusted(hostA)
    expect([one, two].map((key) => accepting(text(key)))).toEqual([true, true])
    const written = await openPins({ file, acceptNew: new Set(['host-a.lan.internal']) }).trusted({
      ...hostA,
      hostKeys: [text(one)],
    })
    expect(written(text(two))).toBe(false)
  })

  test('keeps the keys that are named, and every line that is not about this host alone', async () => {
    const lines = [
      '# words',
      `host-a.lan.internal ${text(one)}`,
      `host-a.lan.internal ${text(two)}`,
      `host-a.lan.internal,other ${text(one)}`,
      `@revoked host-a.lan.internal ${text(three)}`,
      `other ${text(one)}`,
    ]
    writeFileSync(file, lines.join('\n'))
    await pins().keep(hostA, [text(two)])
    expect(readFileSync(file, 'utf8')).toBe(lines.filter((_, at) => at !== 1).join('\n'))
  })
})

describe('a key that is not simply known', () => {
  test('unknown and nobody to ask: says how to trust it', async () => {
    await expect(pins().settle(hostA, one.key)).rejects.toMatchObject({
      kind: 'unknown-host-key',
      message: `the host key of host-a.lan.internal is not known yet; the host presented ssh-ed25519 ${fingerprintOf(one.key)}`,
      hint: expect.stringMatching(/provision trust INVENTORY.*--trust-first/),
    })
  })

  test('unknown and refused: is not pinned', async () => {
    const asking = openPins({ file, onUnknown: async () => false })
    await expect(asking.settle(hostA, one.key)).rejects.toMatchObject({ kind: 'unknown-host-key' })
    expect(await verdict(hostA, one)).toBe('unknown')
  })

  test('questions come one at a time, and never twice for one key', async () => {
    let open = 0
    let most = 0
    const asked: string[] = []
    const asking = openPins({
      file,
      async onUnknown(host, key) {
        most = Math.max(most, ++open)
        asked.push(`${host.name} ${key.fingerprint}`)
        await new Promise((resolve) => setImmediate(resolve))
        open--
        return host.name !== 'no'
      },
    })
    const settled = ['a', 'a', 'no', 'no', 'b'].map((name) => asking.settle({ name, hostKeys: [] }, one.key))
    const results = await Promise.allSettled(settled)
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect([most, asked.length]).toEqual([1, 3])
  })

  test('changed: names what was seen and what is pinned, and asks nobody', async () => {
    writeFileSync(file, `host-a.lan.internal ${two.text}\n`)
    const asking = openPins({ file, onUnknown: async () => true, acceptNew: new Set(['host-b']) })
    await expect(asking.settle(hostA, one.key)).rejects.toMatchObject({
      kind: 'changed-host-key',
      message:
        'host-a.lan.internal presented another host key than the pinned one: ' +
        `ssh-ed25519 ${fingerprintOf(one.key)}, pinned is ssh-ed25519 ${fingerprintOf(two.key)}`,
      hint: expect.stringContaining('--accept-new-host-key host-a.lan.internal'),
    })
    expect(await verdict(hostA, two)).toBe('known')
  })

  test('changed and accepted by name: replaces the pin, and says so', async () => {
    writeFileSync(file, `host-a.lan.internal ${two.text}\n`)
    const told: string[] = []
    const accepting = openPins({
      file,
      acceptNew: new Set([hostA.name]),
      onReplaced: (host, key) => told.push(`${host.name} ${key.fingerprint}`),
    })
    await accepting.settle(hostA, one.key)
    expect(readFileSync(file, 'utf8')).toBe(`host-a.lan.internal ${one.text}\n`)
    expect(told).toEqual([`host-a.lan.internal ${fingerprintOf(one.key)}`])
    await expect(accepting.settle(hostA, three.key)).rejects.toMatchObject({ kind: 'changed-host-key' })
  })

  test('changed and pinned in the inventory: only the user changes that', async () => {
    const accepting = openPins({ file, acceptNew: new Set([hostA.name]) })
    await expect(accepting.settle({ ...hostA, hostKeys: [two.text] }, one.key)).rejects.toMatchObject({
      kind: 'changed-host-key',
      hint: `the pinned key is in the inventory: write "${one.text}" under "hostKeys" there`,
    })
  })

  test('revoked: is never accepted', async () => {
    writeFileSync(file, `@revoked * ${one.text}\n`)
    const accepting = openPins({ file, onUnknown: async () => true, acceptNew: new Set([hostA.name]) })
    await expect(accepting.settle(hostA, one.key)).rejects.toMatchObject({
      kind: 'changed-host-key',
      message: expect.stringContaining('@revoked'),
    })
  })
})

test('keys that are given for a host count instead of its pins, and are written nowhere', async () => {
  const other: Pinned = { name: 'host-b.lan.internal', hostKeys: [] }
  const pinned = { ...hostA, hostKeys: [one.text] }
  writeFileSync(file, `${other.name} ${one.text}\n@revoked ${hostA.name} ${three.text}\n`)
  const acceptNew = new Set([hostA.name])
  const given = openPins({ file, acceptNew, instead: new Map([[hostA.name, [two.key, three.key]]]) })
  const verdicts = async (host: Pinned) => {
    const known = await given.for(host)
    return [one, two, three].map(({ key }) => judge(known, key))
  }
  expect(await verdicts(hostA)).toEqual(['changed', 'known', 'revoked'])
  expect(await verdicts(other)).toEqual(['known', 'changed', 'changed'])
  expect((await given.for(pinned)).from).toBe('inventory')
  expect((await given.trusted(hostA))(two.text)).toBe(true)
  // A run by such keys must not pin what shows itself in their place, also where a new key was to be accepted.
  expect((await given.trusted(hostA))(one.text)).toBe(false)
  await expect(given.settle(hostA, one.key)).rejects.toMatchObject({ kind: 'changed-host-key' })
  expect(readFileSync(file, 'utf8')).not.toContain(two.text)
  expect(readFileSync(file, 'utf8')).not.toContain(`${hostA.name} ${one.text}`)
})

test('of a gateway that shows another key it is said how its devices come back, of no other host', async () => {
  writeFileSync(file, `gw ${one.text}\n${hostA.name} ${one.text}\n`)
  const gateway = { name: 'gw', hostKeys: [], dial: { address: 'gw', port: 22 } }
  await expect(pins().settle(gateway, two.key)).rejects.toMatchObject({
    hint: expect.stringMatching(/by themselves: provision restore-gateway INVENTORY gw$/),
  })
  await expect(pins().settle(hostA, two.key)).rejects.toMatchObject({
    hint: expect.not.stringContaining('restore-gateway'),
  })
})
