import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import lookAtFile from '../../src/remote/look-at-file.sh'
import makeRoom from '../../src/remote/make-room.sh'
import moveIn from '../../src/remote/move-in.sh'
import { program } from '../../src/shell/program.ts'
import { lines, sh } from '../../src/shell/sh.ts'

const home = mkdtempSync(join(tmpdir(), 'provision-copy-'))
afterAll(() => rmSync(home, { recursive: true }))
beforeEach(() => {
  for (const name of readdirSync(home)) rmSync(join(home, name), { recursive: true })
  mkdirSync(join(home, 'folder/name'), { recursive: true })
  writeFileSync(join(home, 'file'), 'text')
})

function ask(text: string, ...words: (string | number)[]): string[] {
  const input = lines(sh`set -- ${words}`, program(text)).text
  const { stdout, stderr } = spawnSync('dash', ['-s'], { cwd: home, input })
  expect(stderr.toString()).toBe('')
  return stdout.toString().trimEnd().split('\n')
}

test.each([
  ['make-room', makeRoom],
  ['move-in', moveIn],
  ['look-at-file', lookAtFile],
])('%s.sh is read by dash and by shellcheck without a complaint', (_, input) => {
  expect(spawnSync('dash', ['-n'], { input }).stderr.toString()).toBe('')
  expect(spawnSync('shellcheck', ['-s', 'sh', '-'], { input }).stdout.toString()).toBe('')
})

describe('room is made', () => {
  test.each([
    ['', 'it'],
    ['~', 'it'],
    ['~/new', 'new'],
    ['new', 'new'],
    ['folder', 'folder/it'],
    ['folder/', 'folder/it'],
    ['-rf', '-rf'],
    ['file', 'file'],
  ])('for %j at %s, with a private file of ours beside it', (path, place) => {
    const [word, beside = '', to] = ask(makeRoom, path, 'it', 'word')
    expect([word, to]).toEqual(['room', join(home, place)])
    expect(join(beside, '..')).toBe(join(home, place, '..'))
    expect(statSync(beside).mode & 0o777).toBe(0o600)
  })

  test('where a link points to', () => {
    symlinkSync('folder/real', join(home, 'link'))
    expect(ask(makeRoom, 'link', 'it', 'word')[2]).toBe(join(home, 'folder/real'))
  })

  test.each([
    ['folder', 'name', ['folder', './folder/name']],
    ['none/', 'it', ['missing', './none/']],
    ['none/there', 'it', ['missing', './none/there']],
    ['/dev/null', 'it', ['special', '/dev/null']],
  ])('but not at %s for %s', (path, name, said) => {
    const input = lines(sh`set -- ${[path, name, 'word']}`, program(makeRoom)).text
    expect(spawnSync('dash', ['-s'], { cwd: home, input }).stdout.toString().trimEnd().split('\n')).toEqual(said)
    expect(readdirSync(home).sort()).toEqual(['file', 'folder'])
  })
})

describe('our file takes its place', () => {
  test('when all of it is there, with its mode', () => {
    expect(ask(moveIn, join(home, 'file'), join(home, 'there'), '640', 4)).toEqual(['done'])
    expect(statSync(join(home, 'there')).mode & 0o777).toBe(0o640)
    expect(existsSync(join(home, 'file'))).toBe(false)
  })

  test.each([
    ['cut', 'there', 5],
    ['folder', 'folder', 4],
  ])('else it is taken away: %s', (word, to, bytes) => {
    expect(ask(moveIn, join(home, 'file'), join(home, to), '640', bytes)).toEqual([word])
    expect(readdirSync(home)).toEqual(['folder'])
  })
})

test('a file is found with its mode, size and whole path; what is none is told', () => {
  chmodSync(join(home, 'file'), 0o640)
  expect(ask(lookAtFile, '~/file')).toEqual(['file', '640', '4', `${home}/file`])
  expect(['folder', 'none', '/dev/null'].map((path) => ask(lookAtFile, path)[0])).toEqual([
    'folder',
    'missing',
    'special',
  ])
})
