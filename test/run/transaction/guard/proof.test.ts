import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { managedFile } from '../../../../src/resources/index.ts'
import type { Change, Resource } from '../../../../src/resources/resource.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { until } from '../../../ssh/session/fixture.ts'
import { type Box, box, group, thing, user } from './box.ts'

let host: Box
beforeEach(() => {
  host = box()
})
afterEach(() => host.end())

const motd = () => managedFile(`${host.etc}/motd`, { content: 'new\n', owner: user, group })
const at = (name: string) => join(host.etc, name)
/** Shows a file that a change writes, and that its undo deals with as it is told. */
const flag = (name: string, undo: Change['undo'], more: Partial<Change> = {}): Resource =>
  thing(name, { commit: sh`echo new >${at(name)}`, ...(undo && { undo }), ...more }, sh`cat ${at(name)}`)
const given = (id: string, resources: readonly Resource[]) => {
  expect(host.apply(id, resources)).toMatchObject({ outcome: 'waiting' })
  return host.abandon(id, 'x')
}
const stop = () => sh`: >${host.root}/reached; while [ ! -e ${host.root}/go ]; do sleep 0.02; done`
const reached = () => until(() => existsSync(join(host.root, 'reached')), 'the guard came to the place')

describe('what is not as before after a rollback', () => {
  test('is listed, the transaction stays, and who comes next is told whose it is', async () => {
    host.write('motd', 'old\n')
    const answer = given('a', [motd(), flag('left', sh`:`), flag('gone', sh`rm -f ${at('gone')}`)])
    expect(answer).toMatchObject({ outcome: 'undo-failed', left: ['left'], failure: { message: 'x\n' } })
    expect(host.watch('a')).toMatchObject({ outcome: 'undo-failed', left: ['left'] })
    expect([host.read('motd'), existsSync(host.current), host.armed().length]).toEqual(['old\n', true, 2])
    await until(() => !host.alive(), 'the guard has ended')
    expect(host.apply('b', [thing('b', {})])).toMatchObject({
      outcome: 'undo-failed',
      failure: { phase: 'earlier', message: 'user001 on host001\n' },
      left: ['left'],
    })
    expect(host.history()).toEqual([])
  })

  test('because its undo failed is told with the words of that, and the next run undoes it once it can', async () => {
    const undo = sh`[ -e ${host.root}/healed ] || { echo 'not so' >&2; exit 1; }; rm -f ${at('left')}`
    expect(given('a', [flag('left', undo)])).toMatchObject({
      outcome: 'undo-failed',
      left: ['left'],
      undoErrors: 'not so\nthe undo of left failed\n',
    })
    await until(() => !host.alive(), 'the guard has ended')
    host.flag('healed')
    expect(host.apply('b', [thing('b', {})])).toMatchObject({ outcome: 'waiting' })
    expect([host.outcome('a'), existsSync(at('left'))]).toEqual(['undone', false])
  })

  test.each([
    ['undo', 'tries again, once it is mended', 'healed'],
    ['undo', 'tries again, and says what is still not as before', ''],
    ['accept', 'takes it for good as it is', ''],
  ])('can be settled at the console: %s %s', async (word, _, healed) => {
    given('a', [flag('left', sh`if [ -e ${host.root}/healed ]; then rm -f ${at('left')}; fi`)])
    await until(() => !host.alive(), 'the guard has ended')
    if (healed) host.flag(healed)
    const ends = word === 'accept' || healed !== ''
    const { status, stderr } = host.console(word)
    expect([status, existsSync(host.current)]).toEqual([ends ? 0 : 1, !ends])
    expect(stderr).toBe(ends ? '' : 'not as it was before:\nleft\n')
    expect(host.armed().length).toBe(ends ? 0 : 2)
    if (ends) expect(host.apply('b', [thing('b', {})])).toMatchObject({ outcome: 'waiting' })
  })

  test('is never settled at the console while a guard is at work', () => {
    host.apply('a', [thing('a', {})])
    expect(host.console('accept')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('a run is at work here'),
    })
    expect(host.confirm('a')).toMatchObject({ outcome: 'confirmed' })
  })
})

describe('what is as before after a rollback is undone', () => {
  test('though a service takes its time to come up again', () => {
    // As a restart that nobody waits for.
    const undo = sh`(sleep 2; rm -f ${at('slow')}) </dev/null >/dev/null 2>&1 &`
    expect(given('a', [flag('slow', undo)])).toMatchObject({ outcome: 'undone' })
    expect(existsSync(at('slow'))).toBe(false)
  })

  test('when no job of systemd is under way any more: what a restart is about to end does not count', () => {
    const jobs = join(host.root, 'jobs')
    host.program(
      'systemctl',
      stub(host, `if [ "$1" = list-jobs ]; then if [ -e ${jobs} ]; then echo 'a job'; fi; exit; fi`),
    )
    // It looks as before until the restart comes to it.
    const undo = sh`rm -f ${at('x')}; : >${jobs}; (sleep 1; echo broken >${at('x')}; rm ${jobs}) </dev/null >/dev/null 2>&1 &`
    expect(given('a', [flag('x', undo)])).toMatchObject({ outcome: 'undo-failed', left: ['x'] })
  })

  test('though one undo needs what another, whose turn comes later, brings back', () => {
    const account = flag('account', sh`rm -f ${at('account')}`)
    const folder = flag(
      'folder',
      sh`[ ! -e ${at('account')} ] || { echo 'no such user' >&2; exit 1; }; rm -f ${at('folder')}`,
    )
    expect(given('a', [account, folder])).toMatchObject({ outcome: 'undone' })
    expect(Object.keys(host.tree())).toEqual([])
  })

  test('by what is asked then, and not by what several looks were told before', () => {
    // As an older sshd does, it fails and says what is wanted.
    const ask = sh`[ -n "\${said+known}" ] || said=$(cat ${at('shared')}; exit 1)`
    const { inspect: _, ...rest } = flag('shared', sh`rm -f ${at('shared')}`)
    const asking: Resource = { ...rest, inspect: sh`${ask}; echo "$said"`, asks: [ask] }
    expect(given('a', [asking, { ...asking, id: 'beside' }])).toMatchObject({ outcome: 'undone' })
    expect(existsSync(at('shared'))).toBe(false)
  })

  test('though what was only ended did not come back', () => {
    const session = thing(
      'session',
      { commit: sh`: >${at('ended')}`, endsOnly: true },
      sh`[ -e ${at('ended')} ] || echo pid=7`,
    )
    expect(given('a', [session])).toMatchObject({ outcome: 'undone' })
  })

  test('with few looks, and each only at what still differs', () => {
    const looks = join(host.root, 'looks')
    const counted = (name: string, undo: Change['undo']): Resource => {
      const { inspect, ...rest } = flag(name, undo)
      return { ...rest, inspect: sh`if [ -e ${host.current}/undoing ]; then echo ${name} >>${looks}; fi; ${inspect}` }
    }
    given('a', [counted('at-once', sh`rm -f ${at('at-once')}`), counted('never', sh`:`)])
    const seen = readFileSync(looks, 'utf8').split('\n')
    expect(seen.filter((name) => name === 'at-once')).toHaveLength(1)
    // At 0, 0.25, 0.75, 1.75 and 3.75 s of the 3 s that it has here.
    expect(seen.filter((name) => name === 'never').length).toBeLessThanOrEqual(5)
  })
})

test('of any changes whose undos work, fail or leave something behind, exactly what is left is listed', async () => {
  const kinds = fc.array(fc.constantFrom('works', 'fails', 'forgets', 'fails but works'), {
    minLength: 1,
    maxLength: 5,
  })
  await fc.assert(
    fc.asyncProperty(kinds, async (all) => {
      const id = host.id()
      const names = all.map((kind, n) => `${id}-${n} ${kind}`)
      const undos = {
        works: (path: string) => sh`rm -f ${path}`,
        fails: () => sh`exit 1`,
        forgets: () => sh`:`,
        'fails but works': (path: string) => sh`rm -f ${path}; exit 1`,
      }
      const answer = given(
        id,
        names.map((name, n) => flag(name, undos[all[n] ?? 'works'](at(name)))),
      )
      const left = names.filter((name) => /fails$|forgets$/.test(name))
      expect(answer?.outcome).toBe(left.length > 0 ? 'undo-failed' : 'undone')
      expect(answer?.left ?? []).toEqual(left)
      // It answers a moment before it has ended, and until then nobody may settle it at the console.
      await until(() => !host.alive(), 'the guard has ended')
      if (left.length > 0) expect(host.console('accept').status).toBe(0)
    }),
    { numRuns: 5 },
  )
}, 60_000)

describe('a guard that is killed while it proves', () => {
  const proving = () => {
    host.write('motd', 'old\n')
    const { inspect, ...rest } = flag('x', sh`rm -f ${at('x')}`)
    const held = { ...rest, inspect: sh`${inspect}; if [ -e ${host.current}/undoing ]; then ${stop()}; fi` }
    host.begin('a', [motd(), held, thing('bad', { activate: sh`exit 1` })])
  }

  test.each([
    ['boot', 'power cut'],
    ['run', 'crash'],
  ] as const)('proves anew, by %s after a %s', async (word, how) => {
    proving()
    await reached()
    await host.kill(how)
    host.flag('go')
    host.restart(word)
    expect([host.outcome('a'), host.read('motd'), existsSync(at('x'))]).toEqual(['undone', 'old\n', false])
  })
})

describe('at boot', () => {
  const cut = async (...resources: Resource[]) => {
    host.apply('a', resources)
    await host.kill('power cut')
    host.restart('boot')
    return existsSync(host.current) ? readFileSync(join(host.current, 'outcome'), 'utf8').trim() : host.outcome('a')
  }
  /** Shows whether it runs, which nothing does at boot. */
  const service = (undo: Change['undo']) =>
    thing(
      'service',
      { commit: sh`: >${at('changed')}`, ...(undo && { undo }) },
      sh`systemctl show >/dev/null; if [ -e ${at('changed')} ] || [ -e ${host.root}/booted ]; then echo stopped; else echo runs; fi`,
    )

  test('what asks nothing of systemd has to be as before', async () => {
    expect(await cut(flag('left', sh`:`), flag('gone', sh`rm -f ${at('gone')}`))).toBe('undo-failed')
    expect(readFileSync(join(host.current, 'left'), 'utf8')).toBe('left\n')
    expect(host.armed().length).toBe(2)
  })

  test('nobody waits, and what runs is not asked for before anything is started', async () => {
    const ended = cut(
      service(sh`rm -f ${at('changed')}; : >${host.root}/booted`),
      flag('gone', sh`rm -f ${at('gone')}`),
    )
    expect(await ended).toBe('undone')
  })

  test('but where its undo has failed as well, nothing speaks for it', async () => {
    expect(await cut(service(sh`: >${host.root}/booted; exit 1`))).toBe('undo-failed')
    expect(readFileSync(join(host.current, 'left'), 'utf8')).toBe('service\n')
  })
})

describe('the name of a unit', () => {
  const taken = (...names: string[]) =>
    host.program(
      'systemd-run',
      `unit=$(printf '%s\\n' "$@" | sed -n 's/^--unit=//p')
echo "$unit" >>${host.root}/units
case "$unit" in ${names.join(' | ')})
  echo "Failed to start transient service unit: Unit $unit was already loaded or has a fragment file." >&2; exit 1 ;;
esac
while [ "$1" != /bin/sh ]; do shift; done
shift
setsid dash "$@" </dev/null >>${host.root}/guard.log 2>&1 &
echo $! >${host.root}/guard.pid`,
    )
  const units = () => readFileSync(join(host.root, 'units'), 'utf8').trim().split('\n')

  test('of an earlier transaction that systemd still holds is in nobody’s way', () => {
    taken('provision-guard.service', 'provision-guard-earlier-0.service')
    expect(host.apply('a-0', [motd()])).toMatchObject({ outcome: 'waiting' })
    expect(host.confirm('a-0')).toMatchObject({ outcome: 'confirmed' })
    expect(units()).toEqual(['provision-guard-a-0.service'])
  })

  test('of this very transaction that is taken gets another one', () => {
    taken('provision-guard-a-0.service')
    expect(host.apply('a-0', [motd()])).toMatchObject({ outcome: 'waiting' })
    expect(units()).toEqual(['provision-guard-a-0.service', 'provision-guard-a-0-again.service'])
  })

  test('that is taken twice is a rejection with systemd’s own words, and a later run works', () => {
    taken('provision-guard-a-0.service', 'provision-guard-a-0-again.service')
    expect(host.apply('a-0', [motd()])).toMatchObject({
      outcome: 'rejected',
      failure: { phase: 'start', message: expect.stringContaining('was already loaded') },
    })
    expect(host.apply('b-0', [motd()])).toMatchObject({ outcome: 'waiting' })
  })

  test('is what is asked for when somebody wants to know whether the guard is alive', async () => {
    host.apply('a-0', [motd()])
    const asked = join(host.root, 'asked')
    host.program('systemctl', stub(host, `echo "$*" >>${asked}`))
    expect(host.apply('b-0', [motd()])).toMatchObject({ outcome: 'locked' })
    expect(new Set(readFileSync(asked, 'utf8').trim().split('\n'))).toEqual(
      new Set(['is-active provision-guard-a-0.service provision-guard-a-0-again.service']),
    )
  })
})

test('a link is saved and put back without touching what it points at', () => {
  const cp = `for word; do :; done
case "$2" in -*) ;; *) if [ "$1" = -a ] && [ -L "$2" ]; then chmod 700 "$(readlink "$2")"; fi ;; esac
exec /bin/cp "$@"`
  // As uutils 0.0.30 does it.
  host.program('cp', cp)
  host.write('target', 'x\n', 0o666)
  const before = host.tree()
  const link = at('link')
  const made = thing('l', { saves: [link], commit: sh`ln -sfn nowhere ${link}`, undo: sh`:` }, sh`readlink ${link}`)
  host.linkTo('target', link)
  expect(given('a', [made])).toMatchObject({ outcome: 'undone' })
  expect(host.tree()).toEqual({ ...before, link: host.tree().link })
  expect(host.tree().link).toMatch(/ link \S+target$/)
})

/** The stub of the box, with something before it. */
const stub = ({ root }: Box, first: string) => `${first}
[ "$1" = is-active ] || exit 1
pid=$(cat ${root}/guard.pid 2>/dev/null)
if kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; then echo active; exit; fi
echo inactive
exit 3`
