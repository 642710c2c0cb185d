import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keyPair, managedFile } from '../../../../src/resources/index.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { type Box, box, group, thing, user } from './box.ts'

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

  test.each([
    ['is heard of by a guard that does not look by itself', 'timeout', 'shift; exec "$@"'],
    ['is noticed where there is no flock', 'flock', 'exit 127'],
    ['is noticed where no word can be left', 'mkfifo', 'echo no room >&2; exit 1'],
  ])('%s', (_, program, text) => {
    host.program(program, text)
    expect(host.apply('a', [motd()])).toMatchObject({ outcome: 'waiting' })
    expect(host.confirm('a')).toMatchObject({ outcome: 'confirmed' })
    host.apply('b', [motd('newer\n')])
    expect(host.abandon('b', 'the login was refused')).toMatchObject({ outcome: 'undone' })
    expect(host.read('motd')).toBe('new\n')
    expect(readdirSync(join(host.home, 'history/a'))).not.toContain('wakeup')
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
