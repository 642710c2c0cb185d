import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { managedFile } from '../../../../src/resources/index.ts'
import type { Change, Resource } from '../../../../src/resources/resource.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { until } from '../../../ssh/session/fixture.ts'
import { type Box, box, group, thing, tree, user } from './box.ts'

let host: Box
beforeEach(() => {
  host = box()
})
afterEach(() => host.end())

const motd = (content: string) => managedFile(`${host.etc}/motd`, { content, owner: user, group })
const confirmed = async (id: string, ...resources: Resource[]) => {
  expect(host.apply(id, resources)).toMatchObject({ outcome: 'waiting' })
  expect(host.confirm(id)).toMatchObject({ outcome: 'confirmed' })
  await until(() => !host.alive(), 'the guard has ended')
}
const said = () => readFileSync(join(host.root, 'said'), 'utf8')
const say = (word: string) => sh`echo ${word} >>${host.root}/said`
/** Rewrites, removes, links, and makes folders. What it shows is what it has made. */
const ruin = (more: Partial<Change> = {}) => {
  host.write('motd', 'old\n', 0o640)
  mkdirSync(join(host.etc, 'kept'), { mode: 0o750 })
  writeFileSync(join(host.etc, 'kept/secret'), Buffer.from([0, 255, 10, 13]), { mode: 0o4711 })
  chmodSync(join(host.etc, 'kept/secret'), 0o4711)
  symlinkSync('../elsewhere', join(host.etc, 'kept/link'))
  const names = ['motd', 'kept/secret', 'kept/link', 'made', 'made/deep', 'made/deep/file', 'made/link']
  const change = {
    saves: names.map((name) => `${host.etc}/${name}`),
    commit: sh`
      cd ${host.etc}
      echo ruined >motd; chmod 777 motd
      rm kept/secret; mkdir -m 711 made; mkdir made/deep; echo new >made/deep/file; ln -s nowhere made/link
      ln -sfn /etc/passwd kept/link
    `,
    ...more,
  }
  return thing(
    'ruin',
    change,
    sh`cat ${host.etc}/motd ${host.etc}/made/deep/file; [ -e ${host.etc}/kept/secret ] || echo gone`,
  )
}

describe('a look back', () => {
  test('at a host that no run has changed finds nothing', () => {
    expect(host.lookBack()).toBeUndefined()
    host.apply('bad-0', [thing('bad', { stage: sh`exit 1` })])
    expect(host.lookBack()).toBeUndefined()
  })

  test('tells of all that the last run did, newest first, who began it, and touches nothing', async () => {
    await confirmed('first-0', motd('one\n'))
    await confirmed('second-1', motd('two\n'), thing('other', { summary: 'do\tmore\nthan that', effect: 'remove' }))
    await confirmed('second-3', managedFile(`${host.etc}/x`, { content: 'x', owner: user, group }))
    const before = host.tree()
    expect(host.lookBack()).toEqual({
      run: 'second',
      ids: ['second-3', 'second-1'],
      who: 'user001 on host001',
      changes: [
        { resource: `file ${host.etc}/x`, summary: 'remove again (undo of: write)', effect: 'remove' },
        { resource: `file ${host.etc}/motd`, summary: 'back to what it was (undo of: rewrite)', effect: 'change' },
        { resource: 'other', summary: 'put back (undo of: do more than that)', effect: 'add' },
      ],
      moved: [],
    })
    expect(host.tree()).toEqual(before)
  })

  test('of what a version without effects did says that it is as before then', async () => {
    await confirmed('first-0', motd('one\n'))
    const what = join(host.home, 'history/first-0/what')
    writeFileSync(what, readFileSync(what, 'utf8').replace(/\t\w+$/m, ''))
    expect(host.lookBack()?.changes).toEqual([
      { resource: `file ${host.etc}/motd`, summary: 'back to what it was (undo of: write)', effect: 'change' },
    ])
  })

  test('names what is no longer as the run left it', async () => {
    await confirmed('first-0', motd('one\n'), thing('still', {}))
    host.write('motd', 'by hand\n')
    expect(host.lookBack()).toMatchObject({ moved: [`file ${host.etc}/motd`] })
  })

  test('says so when what the run saved is gone', async () => {
    await confirmed('first-0', motd('one\n'))
    rmSync(join(host.home, 'history/first-0/saved'), { recursive: true })
    expect(host.lookBack()).toMatchObject({
      run: 'first',
      gone: 'the files that this run saved are no longer kept here',
    })
    expect(host.takeBack('undo-0')).toMatchObject({ outcome: 'rejected', failure: { phase: 'unmoved' } })
    expect(host.read('motd')).toBe('one\n')
  })
})

describe('an undo that is confirmed', () => {
  test('restores every byte, owner and mode, and what was absent', async () => {
    const wanted = ruin()
    const before = host.tree()
    await confirmed('first-0', wanted)
    expect(host.tree()).not.toEqual(before)
    expect(host.takeBack('undo-0')).toMatchObject({ outcome: 'waiting' })
    expect(host.armed().length).toBe(2)
    expect(host.confirm('undo-0')).toMatchObject({ outcome: 'confirmed' })
    expect([host.tree(), host.armed(), existsSync(host.current)]).toEqual([before, [], false])
  })

  test('runs the undo pieces of the whole run, last change first, each after its own files', async () => {
    const tell = (name: string) => ({
      activate: say(name),
      undo: sh`echo "undo "${name}" $(cat ${host.etc}/motd)" >>${host.root}/said`,
    })
    const file = (name: string, content: string) =>
      thing(name, { saves: [`${host.etc}/motd`], commit: sh`echo ${content} >${host.etc}/motd`, ...tell(name) })
    host.write('motd', 'zero\n')
    await confirmed('run-0', file('a', 'one'), thing('b', tell('b')))
    await confirmed('run-2', file('c', 'two'))
    rmSync(join(host.root, 'said'))
    expect(host.takeBack('undo-0')).toMatchObject({ outcome: 'waiting' })
    expect(said()).toBe('undo c one\nundo b zero\nundo a zero\n')
    expect(host.read('motd')).toBe('zero\n')
  })

  test('is no run that the next undo would undo: that one goes a run further back', async () => {
    for (const [run, text] of ['one\n', 'two\n', 'three\n'].entries()) await confirmed(`run${run}-0`, motd(text))
    for (const text of ['two\n', 'one\n']) {
      const id = `undo${text.trim()}-0`
      expect(host.takeBack(id)).toMatchObject({ outcome: 'waiting' })
      expect(host.confirm(id)).toMatchObject({ outcome: 'confirmed' })
      await until(() => !host.alive(), 'the guard has ended')
      expect(host.read('motd')).toBe(text)
    }
    expect(host.lookBack()?.run).toBe('run0')
    await confirmed('run4-0', motd('four\n'))
    expect(host.lookBack()?.run).toBe('run4')
  })
})

describe('a run of several steps', () => {
  const [next, key] = [() => join(host.etc, 'next'), () => join(host.etc, 'key')]
  const only = (one: Resource): Resource => ({ ...one, diff: () => 'converged' })
  const make = () => thing('make', { saves: [next()], commit: sh`echo new >${next()}` }, sh`cat ${next()}`)
  /** Takes away what `make` shows, and shows itself what `make` has made: as a device that moves to its next key. */
  const move = () =>
    thing('move', { saves: [next(), key()], commit: sh`mv ${next()} ${key()}` }, sh`cat ${next()} ${key()}`)
  const ran = async () => {
    host.write('key', 'old\n')
    const before = host.tree()
    await confirmed('run-0', make(), only(move()))
    await confirmed('run-1', only(make()), move())
    return before
  }

  test('is as it left it, though a later step moved what an earlier one had made; and is taken back as a whole', async () => {
    const before = await ran()
    expect(host.lookBack()).toMatchObject({ run: 'run', moved: [] })
    expect(host.takeBack('undo-0')).toMatchObject({ outcome: 'waiting' })
    expect(host.confirm('undo-0')).toMatchObject({ outcome: 'confirmed' })
    expect(host.tree()).toEqual(before)
  })

  test('is no longer as it left it when somebody has changed what its last step left', async () => {
    await ran()
    host.write('next', 'by hand\n')
    expect(host.lookBack()).toMatchObject({ moved: ['make', 'move'] })
  })

  test('that an older provision made is judged by its changes alone', async () => {
    await confirmed('run-0', motd('one\n'), only(make()))
    rmSync(join(host.home, 'history/run-0/resources'))
    expect(host.lookBack()).toMatchObject({ run: 'run', moved: [] })
    host.write('motd', 'by hand\n')
    expect(host.lookBack()).toMatchObject({ moved: [`file ${host.etc}/motd`] })
  })

  test('is taken back though one undo needs what another, whose turn comes later, brings back', async () => {
    const flag = (name: string, undo: Change['undo']) =>
      thing(name, { commit: sh`: >${host.etc}/${name}`, ...(undo && { undo }) }, sh`ls ${host.etc}/${name}`)
    const account = flag('account', sh`rm -f ${host.etc}/account`)
    const folder = flag('folder', sh`[ ! -e ${host.etc}/account ]; rm -f ${host.etc}/folder`)
    await confirmed('run-0', account, folder)
    expect(host.takeBack('undo-0')).toMatchObject({ outcome: 'waiting' })
    expect(host.tree()).toEqual({})
  })
})

test('a home is kept with all that is in it, whoever made cp(1)', () => {
  const home = join(host.root, 'home')
  mkdirSync(join(home, 'deep'), { recursive: true, mode: 0o750 })
  writeFileSync(join(home, 'deep/letter'), 'precious\n', { mode: 0o640 })
  symlinkSync('/dev/null', join(home, 'link'))
  if (user === 'root') chownSync(join(home, 'deep/letter'), 12345, 54321)
  const source = readFileSync(join(import.meta.dirname, '../../../../src/undo/take-back.sh'), 'utf8')
  const copyAll = /^copy_all\(\) \{[\s\S]*?^\}/m.exec(source)?.[0]
  host.program('cp', 'case $1 in --version) echo "cp (uutils coreutils) 0.0.30" ;; *) exit 1 ;; esac')
  const { status } = spawnSync('dash', ['-c', `umask 077; ${copyAll}; copy_all ${home} ${host.root}/kept`], {
    env: { PATH: `${join(host.root, 'bin')}:/usr/bin:/bin` },
  })
  expect([status, tree(join(host.root, 'kept'))]).toEqual([0, tree(home)])
  expect(readdirSync(host.root).filter((name) => name.startsWith('kept'))).toEqual(['kept'])
})

describe('an undo that is refused touches nothing live', () => {
  test('when the host is no longer as the run left it', async () => {
    await confirmed('first-0', motd('one\n'), thing('still', {}))
    const { ids = [] } = host.lookBack() ?? {}
    host.write('motd', 'by hand\n')
    const before = host.tree()
    expect(host.takeBack('undo-0', { ids: [...ids] })).toMatchObject({
      outcome: 'rejected',
      failure: { phase: 'unmoved', message: `changed since that run: file ${host.etc}/motd\n` },
    })
    expect([host.tree(), host.armed()]).toEqual([before, []])
  })

  test('when another run has been there since it was looked at', async () => {
    await confirmed('first-0', motd('one\n'))
    await confirmed('second-0', thing('other', {}))
    expect(host.takeBack('undo-0', { ids: ['first-0'] })).toMatchObject({
      outcome: 'rejected',
      failure: { message: 'another run has changed this host in the meantime\n' },
    })
    expect(host.read('motd')).toBe('one\n')
  })
})

describe('an undo that is itself undone leaves what the run had made', () => {
  const began = async (more: Partial<Change> = {}) => {
    await confirmed('first-0', ruin({ activate: say('live'), ...more }))
    rmSync(join(host.root, 'said'))
    return host.tree()
  }
  const stop = () => sh`: >${host.root}/reached; while [ ! -e ${host.root}/go ]; do sleep 0.02; done`

  test('because it was given up: files and folders are back, and live again', async () => {
    const made = await began()
    host.takeBack('undo-0')
    expect(host.abandon('undo-0', 'the login was refused')).toMatchObject({
      outcome: 'undone',
      failure: { phase: 'confirm', message: 'the login was refused\n' },
    })
    expect(withoutTimes(host.tree())).toEqual(withoutTimes(made))
    expect([said(), host.armed(), host.outcome('first-0')]).toEqual(['live\n', [], 'confirmed'])
    expect(host.lookBack()).toMatchObject({ run: 'first', moved: [] })
  })

  test('because an undo piece failed, with its words', async () => {
    const made = await began({ undo: sh`echo 'not so' >&2; exit 4` })
    expect(host.takeBack('undo-0')).toMatchObject({
      outcome: 'undone',
      failure: { phase: 'commit', code: 4, message: 'not so\n' },
    })
    expect(withoutTimes(host.tree())).toEqual(withoutTimes(made))
  })

  test('because the host did not become what it was', async () => {
    await confirmed('first-0', thing('x', { saves: [], commit: sh`echo x >${host.etc}/x` }, sh`ls ${host.etc}`))
    expect(host.takeBack('undo-0')).toMatchObject({
      outcome: 'undone',
      failure: { phase: 'activate', message: 'not as it was before that run: x\n' },
    })
  })

  test('and what no file tells is done again', async () => {
    const flag = join(host.etc, 'flag')
    const bare = { saves: [], commit: sh`: >${flag}`, undo: sh`rm -f ${flag}` }
    await confirmed('first-0', thing('x', bare, sh`ls ${flag}`))
    host.takeBack('undo-0')
    expect(existsSync(flag)).toBe(false)
    host.abandon('undo-0', 'x')
    expect(existsSync(flag)).toBe(true)
  })

  test.each([
    ['the power goes', 'power cut', 'boot'],
    ['the guard is killed', 'crash', 'run'],
  ] as const)('because in its middle %s', async (_, how, word) => {
    const made = await began({ undo: stop() })
    host.beginToTakeBack('undo-0')
    await until(() => existsSync(join(host.root, 'reached')), 'the guard came to the place')
    await host.kill(how)
    writeFileSync(join(host.root, 'go'), '')
    host.restart(word)
    expect([withoutTimes(host.tree()), host.outcome('undo-0'), host.armed()]).toEqual([
      withoutTimes(made),
      'undone',
      [],
    ])
    expect(host.takeBack('undo2-0')).toMatchObject({ outcome: 'waiting' })
  })
})

test('an undo that was confirmed stays, although the power went before the guard could tell', async () => {
  host.write('motd', 'old\n')
  await confirmed('first-0', motd('one\n'))
  host.takeBack('undo-0')
  await host.kill('power cut')
  writeFileSync(join(host.current, 'confirmed'), '')
  rmSync(join(host.current, 'pending'))
  host.restart('boot')
  expect([host.read('motd'), host.outcome('undo-0'), host.outcome('first-0')]).toEqual([
    'old\n',
    'confirmed',
    'taken-back',
  ])
  expect(host.lookBack()).toBeUndefined()
})

const withoutTimes = (tree: Record<string, string>) =>
  Object.fromEntries(Object.entries(tree).map(([name, about]) => [name, about.replace(/ [\d.]+$/, '')]))
