import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { fingerprintOf, type HostKey, judge, openPins, type Pinned, parseHostKey } from '../src/pins.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-pins-'))
const file = join(folder, 'known_hosts')
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => rmSync(file, { force: true }))

const [one, two, three] = ['one', 'two', 'three'].map((name) => {
  const path = join(folder, name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  const text = readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
  return { path, text, key: parseHostKey(text) as HostKey }
}) as [Key, Key, Key]
type Key = { readonly path: string; readonly text: string; readonly key: HostKey }

const hostA: Pinned = { name: 'host-a.lan.internal', hostKeys: [] }
const pins = () => openPins({ file })
const verdict = async (host: Pinned, key: Key, text?: string) => {
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

describe('pinning', () => {
  test('adds a line and leaves every other byte', async () => {
    const before = Buffer.concat([
      Buffer.from(`# caf\xe9\r\n\nhost-b ${two.text} `, 'latin1'),
      Buffer.from([0xff, 0x0a]),
    ])
    writeFileSync(file, before)
    await pins().add(hostA, one.key)
    const after = readFileSync(file)
    expect(after.subarray(0, before.length).equals(before)).toBe(true)
    expect(after.subarray(before.length).toString()).toBe(`host-a.lan.internal ${one.text}\n`)
    expect(statSync(file).mode & 0o777).toBe(0o644)
    await pins().add(hostA, one.key)
    expect(readFileSync(file).equals(after)).toBe(true)
  })

  test('ends the line before it first', async () => {
    writeFileSync(file, '# no end')
    await pins().add(hostA, one.key)
    expect(readFileSync(file, 'utf8')).toBe(`# no end\nhost-a.lan.internal ${one.text}\n`)
  })

  test('goes through a symbolic link', async () => {
    const link = join(folder, 'link')
    writeFileSync(file, '')
    symlinkSync(file, link)
    await openPins({ file: link }).add(hostA, one.key)
    expect(readFileSync(file, 'utf8')).toBe(`host-a.lan.internal ${one.text}\n`)
  })

  test('anew drops only the lines about this host alone', async () => {
    const hashed = join(folder, 'hashed')
    writeFileSync(hashed, `host-a.lan.internal ${two.text}\n`)
    execFileSync('ssh-keygen', ['-Hf', hashed], { stdio: 'ignore' })
    const keep = [
      '# host-a.lan.internal',
      `host-b.lan.internal ${two.text}`,
      `*.internal,!host-a* ${two.text}`,
      `@revoked host-a.lan.internal ${three.text}`,
    ]
    writeFileSync(
      file,
      `${keep[0]}\nhost-a.lan.internal ${two.text} old\n${readFileSync(hashed)}${keep.slice(1).join('\n')}`,
    )
    await pins().replace(hostA, one.key)
    expect(readFileSync(file, 'utf8')).toBe(`${keep.join('\n')}\nhost-a.lan.internal ${one.text}\n`)
  })

  test('at once from two processes loses no line', async () => {
    const bundle = join(folder, 'add.mjs')
    const add = `import { openPins, parseHostKey } from './src/pins.ts'
      const [file, text, start] = process.argv.slice(2)
      const names = Array.from({ length: 20 }, (_, index) => 'host-' + (Number(start) + index))
      await Promise.all(names.map((name) => openPins({ file }).add({ name, hostKeys: [] }, parseHostKey(text))))`
    const stdin = { contents: add, resolveDir: join(import.meta.dirname, '..'), loader: 'ts' } as const
    await build({ stdin, bundle: true, platform: 'node', format: 'esm', outfile: bundle })
    const run = promisify(execFile)
    await Promise.all(['0', '20'].map((start) => run(process.execPath, [bundle, file, one.text, start])))
    const names = Array.from({ length: 40 }, (_, index) => `host-${index}`)
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect(lines.map((line) => line.split(' ')[0]).sort()).toEqual([...names].sort())
  })

  test('does not wait for a lock that a dead process left', async () => {
    writeFileSync(file, '')
    writeFileSync(`${file}.lock`, '')
    utimesSync(`${file}.lock`, 1, 1)
    await pins().add(hostA, one.key)
    expect(readFileSync(file, 'utf8')).toContain('host-a')
  })
})

describe('a key that is not simply known', () => {
  test('unknown and nobody to ask: says how to trust it', async () => {
    await expect(pins().settle(hostA, one.key)).rejects.toMatchObject({
      kind: 'unknown-host-key',
      message: `nobody has said yet which host key host-a.lan.internal has; it showed ssh-ed25519 ${fingerprintOf(one.key)}`,
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
        'host-a.lan.internal proved another host key than the one pinned: it showed ' +
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
      hint: `its pin stands in the inventory: write "${one.text}" under "hostKeys" there`,
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
