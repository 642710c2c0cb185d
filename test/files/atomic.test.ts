import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { publish } from '../../src/files/atomic.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-file-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'provision.prom')
const mode = (path: string) => statSync(path).mode & 0o777

test('what is published may be read by everybody, whatever was there before', async () => {
  await publish(file, 'first é\n')
  expect([readFileSync(file, 'utf8'), mode(file)]).toEqual(['first é\n', 0o644])
  chmodSync(file, 0o600)
  await publish(file, 'second\n')
  expect([readFileSync(file, 'utf8'), mode(file)]).toEqual(['second\n', 0o644])
})

test('it is a new file, so that whoever reads the old one reads it to its end', async () => {
  const before = statSync(file).ino
  await publish(file, 'third\n')
  expect(statSync(file).ino).not.toBe(before)
})

test('through a link, which stays one', async () => {
  const link = join(folder, 'link')
  symlinkSync(file, link)
  await publish(link, 'fourth\n')
  expect([readFileSync(file, 'utf8'), readFileSync(link, 'utf8')]).toEqual(['fourth\n', 'fourth\n'])
})

test('what cannot be put in place leaves nothing behind', async () => {
  const place = mkdtempSync(join(folder, 'a-folder-'))
  writeFileSync(join(place, 'x'), '')
  await expect(publish(place, 'x')).rejects.toThrow('EISDIR')
  expect(readdirSync(folder).filter((name) => name.startsWith('a-folder-'))).toHaveLength(1)
})
