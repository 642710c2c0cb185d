import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keyPair, managedFile } from '../src/resources/index.ts'
import { sh } from '../src/sh.ts'
import { type Box, box, group, thing, user } from './guard/box.ts'
import { until } from './session/fixture.ts'

let host: Box
beforeEach(() => {
  host = box()
})
afterEach(() => host.end())

const mine = { owner: user, group }
const motd = (content = 'new\n') => managedFile(`${host.etc}/motd`, { content, ...mine })

describe('a change that is confirmed', () => {
  test('stays, and the host is as wanted', () => {
    host.write('motd', 'old\n')
    expect(host.apply('a', [motd()])).toMatchObject({ outcome: 'waiting', shown: expect.anything() })
    expect(host.armed().length).toBe(2)
    expect(host.confirm('a')).toMatchObject({ outcome: 'confirmed' })
    expect(host.read('motd')).toBe('new\n')
    expect([existsSync(host.current), host.outcome('a'), host.armed()]).toEqual([false, 'confirmed', []])
    expect(motd().diff(host.look([motd()]).get(motd().id)?.text ?? '', nobody)).toBe('converged')
  })

  test('says the same when it is confirmed twice, or given up too late', () => {
    host.apply('a', [motd()])
    const answers = [host.confirm('a'), host.confirm('a'), host.abandon('a', 'too late'), host.watch('a')]
    expect(answers.map((answer) => answer?.outcome)).toEqual(Array(4).fill('confirmed'))
    expect(host.read('motd')).toBe('new\n')
  })

  test('comes back with what the host showed after it', () => {
    const { shown } = host.apply('a', [motd()])
    expect(motd().diff(shown.get(motd().id)?.text ?? '', nobody)).toBe('converged')
  })

  test('leaves files of any content, mode and depth converged', () => {
    const content = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.replaceAll('\0', ''))
    const name = fc.stringMatching(/^[a-z' $]{1,8}$/)
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.tuple(content, fc.constantFrom('600', '644', '755')), { minKeys: 8, maxKeys: 8 }),
        (all) => {
          const files = Object.entries(all).map(([at, [text, mode]]) =>
            managedFile(`${host.etc}/made/${at}/file`, { content: text, mode, ...mine }),
          )
          const id = host.id()
          expect(host.apply(id, files)).toMatchObject({ outcome: 'waiting' })
          expect(host.confirm(id)).toMatchObject({ outcome: 'confirmed' })
          const shown = host.look(files)
          expect(files.map((file) => file.diff(shown.get(file.id)?.text ?? '', nobody))).toEqual(
            files.map(() => 'converged'),
          )
        },
      ),
      { numRuns: 2 },
    )
  })

  test('makes a key pair on the host, mends a broken one, and shows the public half alone', () => {
    const path = `${host.etc}/keys/id`
    const pair = keyPair(path, { owner: user, comment: 'host-a' })
    const verdict = () => pair.diff(host.look([pair]).get(pair.id)?.text ?? '', nobody)
    for (const [id, before] of [
      ['a', 'make a key on the host'],
      ['b', 'replace the broken key'],
    ] as const) {
      expect(verdict()).toMatchObject({ summary: before })
      expect(host.apply(id, [rootless(pair)])).toMatchObject({ outcome: 'waiting' })
      expect(host.confirm(id)).toMatchObject({ outcome: 'confirmed' })
      expect(verdict()).toBe('converged')
      expect(host.look([pair]).get(pair.id)?.text).toMatch(/^600 \S+\nssh-ed25519 AAAA\S+\n$/)
      writeFileSync(path, '')
    }
  })
})

/** Where the tests do not run as root, nothing can be given to root. */
const rootless = (pair: ReturnType<typeof keyPair>) => ({
  ...pair,
  diff: (...words: Parameters<typeof pair.diff>) => {
    const change = pair.diff(...words)
    if (typeof change !== 'object' || 'refused' in change) return change
    return { ...change, commit: { text: change.commit.text.replaceAll('root:root', `${user}:${group}`) } }
  },
})
const nobody = { of: () => undefined, gone: () => false, failed: () => false }

describe('a change that is rejected touches nothing live', () => {
  const bad = sh`echo 'line 3: bad' >&2; exit 7`

  test.each(['stage', 'validate'] as const)('when %s of one resource fails, with its words', (phase) => {
    host.write('motd', 'old\n')
    const before = host.tree()
    const answer = host.apply('a', [motd(), thing('bad', { [phase]: bad })])
    expect(answer).toMatchObject({
      outcome: 'rejected',
      failure: { phase, resource: 'bad', code: 7, message: 'line 3: bad\n' },
    })
    expect([host.tree(), host.armed(), existsSync(host.current)]).toEqual([before, [], false])
  })

  test('when somebody changed something since it was looked at', () => {
    host.write('motd', 'old\n')
    const { script } = host.planned('a', [motd()], 30, 'x')
    host.write('motd', 'by hand\n')
    const answer = host.send(script, [motd()])
    expect(answer).toMatchObject({
      outcome: 'rejected',
      failure: { phase: 'unmoved', resource: motd().id, message: 'it has changed since it was looked at\n' },
    })
    expect(host.read('motd')).toBe('by hand\n')
  })

  test('when systemd does not take the guard', () => {
    host.flag('no-systemd')
    expect(host.apply('a', [motd()])).toMatchObject({
      outcome: 'rejected',
      failure: { phase: 'start', message: 'Failed to connect to bus\n' },
    })
    expect(existsSync(join(host.etc, 'motd'))).toBe(false)
    host.unflag('no-systemd')
    expect(host.apply('b', [motd()])).toMatchObject({ outcome: 'waiting' })
  })

  test('when what has to be saved cannot be', () => {
    host.write('motd', 'old\n')
    host.flag('no-save')
    expect(host.apply('a', [motd()])).toMatchObject({ outcome: 'rejected', failure: { phase: 'save', code: 1 } })
    expect([host.read('motd'), host.armed()]).toEqual(['old\n', []])
  })
})

describe('a change that is undone', () => {
  const ruin = () => {
    host.write('motd', 'old\n', 0o640)
    mkdirSync(join(host.etc, 'kept'), { mode: 0o750 })
    writeFileSync(join(host.etc, 'kept/secret'), Buffer.from([0, 255, 10, 13]), { mode: 0o4711 })
    chmodSync(join(host.etc, 'kept/secret'), 0o4711)
    if (user === 'root') chownSync(join(host.etc, 'kept/secret'), 12345, 54321)
    symlinkSync('../elsewhere', join(host.etc, 'kept/link'))
    const saves = ['motd', 'kept/secret', 'kept/link', 'made', 'made/deep', 'made/deep/file', 'made/link'].map(
      (name) => `${host.etc}/${name}`,
    )
    const commit = sh`
      cd ${host.etc}
      echo ruined >motd; chmod 777 motd
      rm kept/secret; mkdir -p made/deep; echo new >made/deep/file; ln -s nowhere made/link; ln -sfn /etc/passwd kept/link
      echo ruined >>kept/secret
    `
    return { saves, commit }
  }

  test('because a commit failed is as if it had never been: bytes, owners, modes, and what was absent', () => {
    const good = ruin()
    const before = host.tree()
    const bad = thing('bad', { commit: sh`echo 'no space left' >&2; exit 28` })
    expect(host.apply('a', [thing('good', good), bad])).toMatchObject({
      outcome: 'undone',
      failure: { phase: 'commit', resource: 'bad', code: 28, message: 'no space left\n' },
    })
    expect([host.tree(), host.armed(), host.outcome('a')]).toEqual([before, [], 'undone'])
  })

  test('because an activation failed re-runs what makes the old state live, last change first', () => {
    const say = (word: string) => sh`echo ${word} >>${host.root}/said`
    const things = [
      thing('a', { ...ruin(), activate: say('a'), undo: say('undo a') }),
      thing('b', { activate: sh`exit 1`, undo: say('undo b') }),
      thing('c', { activate: say('c'), undo: say('undo c') }),
    ]
    const before = host.tree()
    expect(host.apply('a', things)).toMatchObject({ outcome: 'undone', failure: { phase: 'activate', resource: 'b' } })
    expect(readFileSync(join(host.root, 'said'), 'utf8')).toBe('a\nundo c\nundo b\nundo a\n')
    expect(host.tree()).toEqual(before)
  })

  test('because nobody confirmed is so by itself', async () => {
    const good = ruin()
    const before = host.tree()
    expect(host.apply('a', [thing('good', good)], { patience: 1 })).toMatchObject({ outcome: 'waiting' })
    await until(() => !existsSync(host.current), 'the host settled by itself')
    expect(host.confirm('a')).toMatchObject({
      outcome: 'undone',
      failure: { phase: 'confirm', message: 'nobody confirmed within 1 s\n' },
    })
    expect(host.tree()).toEqual(before)
  })

  test('because it was given up is so at once, with the reason', () => {
    const good = ruin()
    const before = host.tree()
    host.apply('a', [thing('good', good)])
    expect(host.abandon('a', 'the login was refused')).toMatchObject({
      outcome: 'undone',
      failure: { phase: 'confirm', message: 'the login was refused\n' },
    })
    expect(host.tree()).toEqual(before)
    expect(host.confirm('a')).toMatchObject({ outcome: 'undone' })
  })

  test('goes on where one undo complains, and tells of it', () => {
    const good = ruin()
    const before = host.tree()
    host.apply('a', [thing('good', { ...good, undo: sh`echo 'not so' >&2; exit 1` })])
    expect(host.abandon('a', 'x')).toMatchObject({
      outcome: 'undone',
      undoErrors: 'not so\nthe undo of change 0 failed\n',
    })
    expect(host.tree()).toEqual(before)
  })

  test('leaves a folder that somebody else has put something into', () => {
    host.apply('a', [thing('good', ruin())])
    writeFileSync(join(host.etc, 'made/deep/theirs'), '')
    expect(host.abandon('a', 'x')).toMatchObject({ outcome: 'undone' })
    expect(Object.keys(host.tree()).filter((name) => name.startsWith('made'))).toEqual([
      'made',
      'made/deep',
      'made/deep/theirs',
    ])
  })

  test('is so on a full disk too, where a second name takes no space', () => {
    const good = ruin()
    const before = host.tree()
    host.apply('a', [thing('good', good)])
    host.flag('full')
    expect(host.abandon('a', 'x')).toMatchObject({ outcome: 'undone' })
    expect(host.tree()).toEqual(before)
  })

  test('but could not be, says so, keeps what was saved, and is undone by the next run', async () => {
    const good = ruin()
    const before = host.tree()
    host.apply('a', [thing('good', good)])
    host.flag('full')
    host.flag('no-links')
    expect(host.abandon('a', 'x')).toMatchObject({
      outcome: 'undo-failed',
      undoErrors: expect.stringContaining('could not put back'),
    })
    expect(host.watch('a')).toMatchObject({ outcome: 'undo-failed' })
    expect(host.armed().length).toBe(2)
    host.unflag('full')
    host.unflag('no-links')
    await until(() => !host.alive(), 'the guard has ended')
    host.apply('b', [thing('b', { stage: sh`exit 1` })])
    expect([host.outcome('a'), host.outcome('b'), host.tree()]).toEqual(['undone', 'rejected', before])
  })
})
