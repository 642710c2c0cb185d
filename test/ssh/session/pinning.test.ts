import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { Pinned } from '../../../src/ssh/host-keys/pinned.ts'
import { openPins } from '../../../src/ssh/host-keys/pins.ts'
import { publicKey } from './fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-pins-'))
const file = join(folder, 'known_hosts')
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => rmSync(file, { force: true }))

const [one, two, three] = [publicKey(folder, 'one'), publicKey(folder, 'two'), publicKey(folder, 'three')]

const hostA: Pinned = { name: 'host-a.lan.internal', hostKeys: [] }
const pins = () => openPins({ file })

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
    const add = `import { openPins, parseHostKey } from './src/ssh/host-keys/pins.ts'
      const [file, text, start] = process.argv.slice(2)
      const names = Array.from({ length: 20 }, (_, index) => 'host-' + (Number(start) + index))
      await Promise.all(names.map((name) => openPins({ file }).add({ name, hostKeys: [] }, parseHostKey(text))))`
    const stdin = { contents: add, resolveDir: join(import.meta.dirname, '../../..'), loader: 'ts' } as const
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
