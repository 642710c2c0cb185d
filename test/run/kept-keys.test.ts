import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Inventory } from '../../src/inventory/model.ts'
import type { ObservedKeys } from '../../src/playbook/playbook.ts'
import { type KeptFile, nothingKept, readKeptFile } from '../../src/run/kept-file.ts'
import { type Keeping, keptAfter, keptKeys } from '../../src/run/kept-keys.ts'
import { newKey } from '../../src/ssh/host-keys/new-key.ts'
import { openPins, parseHostKey } from '../../src/ssh/host-keys/pins.ts'
import { parse } from '../inventory/parse.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'provision-kept-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const [A, B] = [newKey('a').publicKey, newKey('b').publicKey]
const forward = (port: number) => ({ gateway: 'gw', port, host: 'localhost', hostPort: 22 })
const written = (gateway: object = {}): Inventory => ({
  ...parse(
    JSON.stringify({
      gateways: { gw: gateway, idle: {} },
      devices: { a: { forwards: [forward(9022)] }, b: { forwards: [forward(9023)] } },
    }),
  ),
  file: join(folder, 'site.json'),
  directory: folder,
})
const notes: string[] = []
const keeping = (command: Keeping['command'], more: Partial<Keeping> = {}): Keeping => ({
  command,
  makes: true,
  pins: openPins({ file: join(folder, 'known_hosts') }),
  who: 'alice on laptop',
  note: (text) => void notes.push(text),
  ...more,
})
beforeEach(() => void notes.splice(0))
const run = async (command: Keeping['command'], inventory = written(), more: Partial<Keeping> = {}) => {
  const { kept, keep } = await keptKeys(inventory, keeping(command, more))
  return { keep, kept, spares: (kept.spareHostKeys.gw ?? []).map(({ key }) => key), warnings: kept.warnings }
}
/** A run in which these devices were seen, and trust these keys. */
const observed = (trusted: Readonly<Record<string, readonly string[]>>, tunnelKeys = {}): ObservedKeys => ({
  devices: { gw: ['a', 'b'], idle: [] },
  tunnelKeys,
  trusted: { gw: trusted },
})
const spareFolder = () => join(folder, 'spare-host-keys')
const kept = () => readKeptFile(join(folder, 'site.gateways.json'))

describe('a spare host key', () => {
  test('is made by the first run that changes, for a gateway that devices dial, and stays the same', async () => {
    expect((await run('check')).spares).toEqual([])
    expect((await run('verify')).warnings).toEqual([
      expect.stringMatching(/^gw: it has no spare host key yet; the next run/),
    ])
    expect(readdirSync(folder)).toEqual([])
    const first = await run('apply')
    expect(readdirSync(spareFolder()).sort()).toEqual(['.gitignore', 'gw', 'gw.pub'])
    expect(statSync(join(spareFolder(), 'gw')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(spareFolder(), '.gitignore'), 'utf8')).toMatch(/^\*$/m)
    // Killed before it could keep anything.
    expect((await run('apply')).spares).toEqual(first.spares)
    await first.keep(observed({ a: first.spares, b: [] }))
    expect((await kept()).spareHostKeys).toEqual({
      gw: { keys: [{ key: first.spares[0], madeBy: 'alice on laptop', trustedBy: ['a'] }], former: [] },
    })
    expect(await run('verify')).toMatchObject({ spares: first.spares, warnings: [] })
  })

  test('is not made for a plan that was looked at, nor where an authority vouches for the gateway', async () => {
    expect((await run('apply', written(), { makes: false })).spares).toEqual([])
    const certified = written({ hostKeys: [`@cert-authority ${A}`] })
    expect((await run('apply', certified)).spares).toEqual([])
    expect((await run('verify', certified)).warnings).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  test('whose private half is elsewhere is not made anew, and it is said who has it', async () => {
    const { keep, spares } = await run('apply')
    await keep(observed({ a: spares, b: spares }))
    rmSync(spareFolder(), { recursive: true })
    const sentence = /^gw: the private half of its spare host key SHA256:\S+ is not in \S+: alice on laptop made it/
    expect(await run('apply')).toMatchObject({ spares, warnings: [] })
    expect(notes).toEqual([expect.stringMatching(sentence)])
    expect((await run('verify')).warnings).toEqual([expect.stringMatching(sentence)])
    expect(readdirSync(folder)).toEqual(['site.gateways.json'])
  })

  test('that the gateway proves itself is a spare no more: a next one stands beside it until all trust that', async () => {
    const first = await run('apply')
    const [used = ''] = first.spares
    await first.keep(observed({ a: [used], b: [used] }))
    const key = parseHostKey(used)
    if (key) await openPins({ file: join(folder, 'known_hosts') }).add({ name: 'gw', hostKeys: [] }, key)
    const verified = await run('verify')
    expect(verified).toMatchObject({
      spares: [used],
      warnings: [expect.stringMatching(/^gw: what was its spare .* is in use/)],
    })
    const second = await run('apply')
    const [, next = ''] = second.spares
    expect(second.spares).toEqual([used, next])
    await second.keep(observed({ a: [used, next] }))
    expect(readdirSync(spareFolder()).sort()).toEqual(['.gitignore', 'gw', 'gw.next', 'gw.next.pub', 'gw.pub'])
    const third = await run('apply')
    expect(third.spares).toEqual([used, next])
    await third.keep(observed({ b: [used, next] }))
    expect(readdirSync(spareFolder()).sort()).toEqual(['.gitignore', 'gw', 'gw.pub'])
    expect((await kept()).spareHostKeys.gw).toMatchObject({
      keys: [{ key: next, trustedBy: ['a', 'b'] }],
      former: [used],
    })
    expect((await run('apply')).spares).toEqual([next])
  })

  test('is replaced when that is asked for, and a former one that lies about is never taken for one again', async () => {
    const first = await run('apply')
    const [old = ''] = first.spares
    await first.keep(observed({ a: [old], b: [old] }))
    const files = ['gw', 'gw.pub'].map((name) => [name, readFileSync(join(spareFolder(), name))] as const)
    const second = await run('apply', { ...written(), rotate: { spareHostKey: 'gw' } })
    const [, next = ''] = second.spares
    await second.keep(observed({ a: [next], b: [next] }))
    for (const [name, text] of files) writeFileSync(join(spareFolder(), name), text)
    const third = await run('apply')
    expect(third.spares).toEqual([next])
    expect(notes).toEqual([expect.stringContaining('alice on laptop made it')])
  })

  test('that another inventory of this folder has moved to is taken over', async () => {
    const first = await run('apply')
    await first.keep(observed({ a: first.spares, b: first.spares }))
    const { privateKey, publicKey } = newKey('of another inventory')
    writeFileSync(join(spareFolder(), 'gw'), privateKey)
    writeFileSync(join(spareFolder(), 'gw.pub'), `${publicKey}\n`)
    expect((await run('apply')).spares).toEqual([...first.spares, publicKey])
  })

  test('that cannot be written is told, and the run goes on', async () => {
    writeFileSync(spareFolder(), 'a file in the way')
    mkdirSync(join(folder, 'site.gateways.json.lock'))
    expect((await run('apply')).spares).toEqual([])
    expect(notes).toEqual([expect.stringMatching(/^gw: no spare host key can be made in \S+: (EEXIST|ENOTDIR)$/)])
  })
})

describe('what is kept', () => {
  const file = (tunnelKeys: KeptFile['tunnelKeys']): KeptFile => ({ ...nothingKept, tunnelKeys })

  test('is the news of devices that were seen, and of others what was known', () => {
    const before = file({ a: [A], b: [A], former: [A] })
    expect(keptAfter(before, observed({}, { b: [B, A] })).tunnelKeys).toEqual({ a: [A], b: [B, A] })
    expect(keptAfter(nothingKept, observed({})).tunnelKeys).toEqual({})
  })

  test('keeps the name of who made a key, in whatever letters', async () => {
    const { keep, spares } = await run('apply', written(), { who: 'jürgen 李 on läptop' })
    await keep(observed({ a: spares }))
    await (await run('apply')).keep(observed({ b: spares }))
    expect((await kept()).spareHostKeys.gw?.keys[0]).toMatchObject({
      madeBy: 'jürgen 李 on läptop',
      trustedBy: ['a', 'b'],
    })
  })

  test('that was broken meanwhile is left as it is, and told', async () => {
    const { keep } = await run('apply')
    writeFileSync(join(folder, 'site.gateways.json'), '<<<<<<< HEAD\n')
    await keep(observed({}))
    expect(notes.at(-1)).toMatch(/cannot be kept in \S+site\.gateways\.json: somebody has broken it meanwhile$/)
    expect(readFileSync(join(folder, 'site.gateways.json'), 'utf8')).toBe('<<<<<<< HEAD\n')
  })

  test('does not lose what another run has written meanwhile', async () => {
    const [one, other] = [await run('apply'), await run('apply')]
    await one.keep(observed({ a: one.spares }, { a: [A] }))
    await other.keep(observed({ b: one.spares }, { b: [B] }))
    expect((await kept()).tunnelKeys).toEqual({ a: [A], b: [B] })
  })

  test.each([
    ['marks of git', '<<<<<<< HEAD\n{}\n'],
    ['a key with a line end', JSON.stringify({ ...nothingKept, tunnelKeys: { a: [`${A}\ncommand="x"`] } })],
    ['no list', JSON.stringify({ ...nothingKept, tunnelKeys: { a: A } })],
    ['a spare without a key', JSON.stringify({ ...nothingKept, spareHostKeys: { gw: { keys: [{}], former: [] } } })],
    ['another version', JSON.stringify({ ...nothingKept, version: 2 })],
    ['nothing', ''],
  ])('with %s in it ends a run before it begins: without it devices would unlearn the spare', async (_, text) => {
    writeFileSync(join(folder, 'site.gateways.json'), text)
    await expect(run('apply')).rejects.toThrow(/site\.gateways\.json: is not a file of public keys/)
  })
})
