import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { managedFile } from '../../../../src/resources/index.ts'
import type { Change } from '../../../../src/resources/resource.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { until } from '../../../ssh/session/fixture.ts'
import { type Box, box, group, thing, user } from './box.ts'

let host: Box
beforeEach(() => {
  host = box()
})
afterEach(() => host.end())

const motd = (content = 'new\n') => managedFile(`${host.etc}/motd`, { content, owner: user, group })
/** Stops there until the test has seen it. */
const stop = () => sh`: >${host.root}/reached; while [ ! -e ${host.root}/go ]; do sleep 0.02; done`
const reached = () => until(() => existsSync(join(host.root, 'reached')), 'the guard came to the place')
const old = () => {
  host.write('motd', 'old\n', 0o640)
  return host.tree()
}
const saves = () => [`${host.etc}/motd`, `${host.etc}/made`, `${host.etc}/made/x`]
const commit = () => sh`cd ${host.etc}; echo ruined >motd; chmod 600 motd; mkdir made; echo x >made/x`
const piece = (more: Partial<Change>) => thing('x', { saves: saves(), commit: commit(), ...more })

/** The guard is stopped in a phase of a transaction with the id `a`, or while it waits for a confirmation. */
const phases: Record<string, { ended: string; begin: () => Promise<void> }> = {
  'the check that nothing moved': {
    ended: 'rejected',
    begin: async () => {
      const looked = sh`if [ -e ${host.current} ]; then ${stop()}; fi; echo x`
      host.begin('a', [thing('x', { saves: saves(), commit: commit() }, looked)])
      await reached()
    },
  },
  staging: { ended: 'rejected', begin: () => stopIn({ stage: stop() }) },
  validation: { ended: 'rejected', begin: () => stopIn({ validate: stop() }) },
  commit: { ended: 'undone', begin: () => stopIn({ commit: sh`${commit()}; ${stop()}` }) },
  activation: { ended: 'undone', begin: () => stopIn({ activate: stop() }) },
  'the last look': {
    ended: 'undone',
    begin: async () => {
      const looked = sh`if [ -e ${host.etc}/made ]; then ${stop()}; fi; echo x`
      host.begin('a', [thing('x', { saves: saves(), commit: commit() }, looked)])
      await reached()
    },
  },
  'the wait for a confirmation': {
    ended: 'undone',
    begin: async () => {
      expect(host.apply('a', [piece({})])).toMatchObject({ outcome: 'waiting' })
    },
  },
  'the undo': {
    ended: 'undone',
    begin: async () => stopIn({ activate: sh`exit 1`, undo: stop() }),
  },
}
async function stopIn(more: Partial<Change>): Promise<void> {
  host.begin('a', [piece(more)])
  await reached()
}

describe.each([
  ['at the next boot', 'boot', Object.entries(phases)],
  // Before anything live was touched, systemd's restart simply begins anew.
  ['when systemd starts the guard again', 'run', Object.entries(phases).filter(([, { ended }]) => ended === 'undone')],
] as const)('after a kill -9, %s', (_, word, some) => {
  test.each(some)('in %s, everything is as it was', async (_, { begin, ended }) => {
    const before = old()
    await begin()
    await host.kill(word === 'boot' ? 'power cut' : 'crash')
    writeFileSync(join(host.root, 'go'), '')
    host.restart(word)
    expect([host.tree(), existsSync(host.current), host.armed()]).toEqual([before, false, []])
    expect(host.outcome('a')).toBe(ended)
    expect(host.watch('a')).toMatchObject({ outcome: ended })
  })
})

test('what was confirmed stays, although the guard was killed before it could tell', async () => {
  old()
  host.apply('a', [motd()])
  await host.kill('power cut')
  // The rename alone: what a confirmation does before it watches.
  writeFileSync(join(host.current, 'confirmed'), readFileSync(join(host.current, 'pending')))
  const { rmSync } = await import('node:fs')
  rmSync(join(host.current, 'pending'))
  host.restart('boot')
  expect([host.outcome('a'), host.read('motd')]).toEqual(['confirmed', 'new\n'])
})

describe('while one run holds a host', () => {
  test('another is told who it is, and changes nothing', () => {
    old()
    host.apply('a', [motd()], { who: "user001 on host001 since 12:00, it's me" })
    expect(host.apply('b', [motd('other\n')])).toMatchObject({
      outcome: 'locked',
      failure: { message: "user001 on host001 since 12:00, it's me\n" },
    })
    expect(host.confirm('b')).toMatchObject({ outcome: 'never' })
    expect(host.confirm('a')).toMatchObject({ outcome: 'confirmed' })
    expect(host.read('motd')).toBe('new\n')
  })

  test('the same apply sent twice is turned away, and the first goes on', () => {
    host.apply('a', [motd()])
    expect(host.apply('a', [motd('other\n')])).toMatchObject({ outcome: 'locked' })
    expect(host.watch('a')).toMatchObject({ outcome: 'waiting' })
    expect(host.confirm('a')).toMatchObject({ outcome: 'confirmed' })
  })

  test('the same apply sent again when it has ended finds that the host moved', () => {
    old()
    const { script } = host.planned('a', [motd()], 30, 'x')
    host.send(script, [motd()])
    host.confirm('a')
    expect(host.send(script, [motd()])).toMatchObject({ outcome: 'rejected', failure: { phase: 'unmoved' } })
    expect(host.read('motd')).toBe('new\n')
  })

  test('nothing of a turned away apply is left behind', async () => {
    const { readdirSync } = await import('node:fs')
    host.apply('a', [motd()])
    host.apply('b', [motd('other\n')])
    expect(readdirSync(host.home).sort()).toEqual(['current', 'history'])
  })
})

test('a lock that a dead run left is settled by the next one, which then does its work', async () => {
  const before = old()
  host.apply('a', [piece({})])
  await host.kill('power cut')
  const other = managedFile(`${host.etc}/other`, { content: 'new\n', owner: user, group })
  expect(host.apply('b', [other])).toMatchObject({ outcome: 'waiting' })
  expect([host.outcome('a'), host.read('motd'), host.read('other')]).toEqual(['undone', 'old\n', 'new\n'])
  expect(host.abandon('b', 'enough')).toMatchObject({ outcome: 'undone', failure: { message: 'enough\n' } })
  expect(host.tree()).toEqual(before)
})

test('a change that was planned on what a dead run left is rejected, once that is settled', async () => {
  const before = old()
  host.apply('a', [piece({})])
  await host.kill('power cut')
  expect(host.apply('b', [motd()])).toMatchObject({ outcome: 'rejected', failure: { phase: 'unmoved' } })
  expect(host.tree()).toEqual(before)
})

test('a guard that was killed while it staged begins anew when systemd starts it again', async () => {
  old()
  host.begin('a', [piece({ stage: stop() })])
  await reached()
  await host.kill('crash')
  writeFileSync(join(host.root, 'go'), '')
  host.restartInBackground()
  expect(host.watch('a')).toMatchObject({ outcome: 'waiting' })
  expect(host.confirm('a')).toMatchObject({ outcome: 'confirmed' })
})

test('a guard that went away is noticed by whoever asks how it stands', async () => {
  const before = old()
  await stopIn({ stage: stop() })
  await host.kill('power cut')
  expect(host.watch('a')).toMatchObject({ outcome: 'rejected', failure: { message: 'the guard went away\n' } })
  expect(host.tree()).toEqual(before)
})

test('a lost connection harms nothing: the guard goes on, and a later look finds it waiting', async () => {
  const child = host.begin('a', [thing('x', { activate: stop() })])
  await reached()
  process.kill(-(child.pid ?? 0), 'SIGKILL')
  writeFileSync(join(host.root, 'go'), '')
  expect(host.watch('a')).toMatchObject({ outcome: 'waiting' })
  expect(host.confirm('a')).toMatchObject({ outcome: 'confirmed' })
})

test('a transaction that never was is never', () => {
  expect(host.watch('x')).toMatchObject({ outcome: 'never' })
  expect(host.abandon('x', 'why')).toMatchObject({ outcome: 'never' })
  expect(existsSync(host.home)).toBe(false)
})

test('three of each kind of end are kept, the newest ones', async () => {
  for (let n = 0; n < 5; n++) {
    host.apply(`good${n}-0`, [motd(`${n}\n`)])
    host.confirm(`good${n}-0`)
    await until(() => !host.alive())
    host.apply(`bad${n}-0`, [thing('bad', { stage: sh`exit 1` })])
    await until(() => !host.alive())
  }
  expect(host.history().sort()).toEqual(['bad2-0', 'bad3-0', 'bad4-0', 'good2-0', 'good3-0', 'good4-0'])
  const saved = join(host.home, 'history/good4-0/saved')
  const number = readFileSync(join(saved, 'paths'), 'utf8').trim().split('\n').indexOf(`${host.etc}/motd`) + 1
  expect(readFileSync(join(saved, String(number)), 'utf8')).toBe('3\n')
})

test('a run counts once, however many steps changed this host', async () => {
  for (const id of ['one-0', 'two-0', 'two-1', 'two-3', 'three-0', 'four-0']) {
    host.apply(id, [motd(id)])
    host.confirm(id)
    await until(() => !host.alive())
  }
  expect(host.history().sort()).toEqual(['four-0', 'three-0', 'two-0', 'two-1', 'two-3'])
})

test('what ended last is the newest, though the clock says that it was long ago', async () => {
  for (const id of ['one-0', 'two-0', 'three-0', 'four-0']) {
    host.apply(id, [motd(id)])
    host.confirm(id)
    await until(() => !host.alive())
    const { utimesSync } = await import('node:fs')
    if (id === 'one-0') utimesSync(join(host.home, 'history/one-0'), new Date(2040, 1), new Date(2040, 1))
  }
  expect(host.history().sort()).toEqual(['four-0', 'three-0', 'two-0'])
})
