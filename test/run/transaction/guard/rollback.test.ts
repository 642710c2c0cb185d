import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sh } from '../../../../src/shell/sh.ts'
import { until } from '../../../ssh/session/fixture.ts'
import { type Box, box, thing, user } from './box.ts'

let host: Box
beforeEach(() => {
  host = box()
})
afterEach(() => host.end())

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
    expect(host.apply('a', [thing('good', good)], { confirmWithinSeconds: 3 })).toMatchObject({ outcome: 'waiting' })
    await until(() => !existsSync(host.current), 'the host settled by itself')
    expect(host.confirm('a')).toMatchObject({
      outcome: 'undone',
      failure: { phase: 'confirm', message: 'nobody confirmed within 3 s\n' },
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
      undoErrors: 'not so\nthe undo of good failed\n',
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
