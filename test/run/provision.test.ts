import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ConnectError, RemoteError } from '../../src/errors.ts'
import { on, onTrial, type Playbook, playbook, proveFirst, verify } from '../../src/playbook/playbook.ts'
import type { Report } from '../../src/report/report.ts'
import { silent } from '../../src/report/terminal/progress.ts'
import type { Resource } from '../../src/resources/resource.ts'
import type { RunOptions } from '../../src/run/context.ts'
import { provision } from '../../src/run/provision.ts'
import { sh } from '../../src/shell/sh.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { parse } from '../inventory/parse.ts'
import { seen } from './transaction/host.ts'

/** The whole flow of a run over hosts that are made of values: no process, no connection, no clock. */

const inventory = parse(
  JSON.stringify({
    gateways: { gw: {} },
    devices: { pi: { forwards: ['9001:localhost:22'] }, cam: { forwards: ['9002:localhost:22'] } },
  }),
)

/** A file of one word. */
const word = (wanted: string): Resource => ({
  id: 'word',
  inspect: sh`cat /word`,
  diff: (now) =>
    now.trim() === wanted
      ? 'converged'
      : now.trim() === 'locked'
        ? { refused: 'somebody else has written it', hint: 'ask them' }
        : { summary: `write ${wanted}`, saves: ['/word'], commit: sh`echo ${wanted} >/word` },
})

/** Gateways get their word before devices, and forwards are proved between. */
const recipe: Playbook = playbook(({ gateways, devices }) => [
  on(gateways, () => [word('new')]),
  proveFirst(() => []),
  on(devices, () => [word('new')]),
  verify(devices, ({ forwards }) => forwards),
])

/** The same, where a device tries the gateway before its change is kept. */
const tryingFor = (concerns: () => boolean): Playbook =>
  playbook(({ gateways, devices }) => [
    onTrial(
      gateways,
      () => [word('new')],
      () => ({
        ...{ concerns, by: devices.map(({ name }) => name) },
        ...{ script: () => sh`try it`, cleanUp: () => sh`clean up` },
      }),
    ),
    on(devices, () => [word('new')]),
  ])
const trying = tryingFor(() => true)

interface FakeHost {
  word: string
  /** Absent: it can be reached. */
  readonly unreachable?: true
  /** After a change nobody gets in: it undoes. */
  readonly shutsOut?: true
  /** The connection is lost while it changes, and nothing is heard of it again. */
  readonly falls?: true
  /** What it says when it tries the gateway. */
  readonly tries?: { readonly code: number; readonly log: string }
}

/** To the question whether the plan is to be done; what became of the hosts until then. */
interface Answer {
  readonly yes: boolean
  /** Milliseconds. */
  readonly after?: number
  readonly moved?: World
}

type World = Partial<Record<'gw' | 'pi' | 'cam', Partial<FakeHost>>>

/** What one run makes of these hosts, and in which order it did what. */
async function run(
  command: 'apply' | 'check' | 'verify',
  world: World = {},
  { steps = recipe, answers, ...more }: Partial<RunOptions> & { readonly steps?: Playbook; answers?: Answer[] } = {},
) {
  const hosts = new Map(['gw', 'pi', 'cam'].map((name) => [name, { word: 'old', ...world[name as 'gw'] } as FakeHost]))
  const done: string[] = []
  /** `at`: how much had been done by then. */
  const proofs: { readonly port: number; readonly at: number }[] = []
  let now = 0
  let open = 0
  const reach = async ({ name }: { name: string }): Promise<Session> => {
    const host = hosts.get(name)
    if (!host || host.unreachable) throw new ConnectError('unreachable', `${name} is switched off`)
    if (done.includes(`apply ${name}`) && (host.shutsOut || host.falls)) {
      if (!done.includes(`undone ${name}`)) throw new ConnectError('login', 'the login was refused')
    }
    open++
    done.push(`login ${name}`)
    return sessionOf(name, host)
  }
  const sessionOf = (name: string, host: FakeHost): Session => ({
    ...{ host: name, via: 'direct', hostKey: 'ssh-ed25519 AAAA', hostKeys: () => [] },
    close: () => void open--,
    forward(_, port) {
      proofs.push({ port, at: done.length })
      return Promise.reject(new RemoteError('refused', 'Connection refused'))
    },
    async exec(script) {
      const answer = (stdout: string) => ({ code: 0, stdout: Buffer.from(stdout), stderr: Buffer.alloc(0) })
      const mark = /\b(seen-[0-9a-f]{32})\b/.exec(script)?.[1]
      if (mark) {
        const states = gzipSync(`${mark} 0\n/ ext4\n${mark} 1\n${host.word}\n${mark}\n`)
        return { ...answer(''), stdout: Buffer.concat([Buffer.from(`${mark} programs\n${mark} packed\n`), states]) }
      }
      if (script.includes('try it')) {
        done.push(`try ${name}`)
        return { ...answer(host.tries?.log ?? ''), code: host.tries?.code ?? 0 }
      }
      if (script.includes('@fact')) {
        done.push(`ask ${name}`)
        const facts = { now: '1764000000', test: 'valid', end: '' }
        return answer(
          Object.entries(facts)
            .map(([fact, text]) => `@fact ${fact} ${Buffer.from(text).toString('base64')}\n`)
            .join(''),
        )
      }
      if (script.includes('clean up') || script.includes('directives()')) {
        done.push(`clean ${name}`)
        return answer('/etc/ssh/sshd_config:7:DisableForwarding yes\n')
      }
      if (script.includes('guard.sh" apply')) {
        done.push(`apply ${name}`)
        if (host.falls) throw new RemoteError('lost', 'the connection was lost')
        return answer(`@outcome waiting\n${seen('new\n')}`)
      }
      if (script.includes('set -- abandon')) {
        done.push(`undone ${name}`)
        return answer(`@outcome undone\n${seen(host.word)}`)
      }
      host.word = 'new'
      done.push(`confirm ${name}`)
      return answer(`@outcome confirmed\n${seen('new\n')}`)
    },
  })
  const interrupt = new AbortController()
  const shown: Pick<Report, 'hosts'>[] = []
  const answering = answers && [...answers]
  const one = <T>(work: (slot: never) => Promise<T>) => work({ connected() {}, until() {} } as never)
  const report = await provision(inventory, steps, {
    ...{ command, limit: () => true, reach, progress: silent, signal: interrupt.signal },
    context: {
      wire: {
        counts: { connections: 0, execs: 0 },
        userConfig: async () => ({ port: 22 }),
        pins: { file: '/nowhere/known_hosts', trusted: async () => () => true, add: async () => {} },
      },
      ...{ formerForwards: new Map(), forks: one, changes: one, closeAll() {} },
    },
    lastProofs: { stamp: async (reports: unknown) => reports },
    show: (plan: Pick<Report, 'hosts'>) => shown.push(plan),
    debug() {},
    now: () => now,
    wait: async (ms: number) => {
      now += ms
    },
    clock: () => new Date(now),
    ...{ runId: '20260101-abc', who: 'me', confirmWithinSeconds: 10 },
    ...(answering && {
      approve: async () => {
        done.push('asked')
        const { yes, after = 1000, moved = {} } = answering.shift() ?? { yes: false }
        now += after
        for (const [name, other] of Object.entries(moved)) Object.assign(hosts.get(name) ?? {}, other)
        return yes
      },
    }),
    ...more,
  } as unknown as RunOptions)
  return {
    ...{ report, done, proofs, open },
    outcomes: Object.fromEntries(report.hosts.map(({ name, outcome }) => [name, outcome])),
    words: Object.fromEntries([...hosts].map(([name, host]) => [name, host.word])),
    shown: shown.length,
    plan: shown[0]?.hosts.flatMap(({ name, changes }) => changes.map(({ summary }) => `${name}: ${summary}`)),
  }
}
const at = (done: readonly string[], what: string) => done.indexOf(what)

describe('a run over connected hosts', () => {
  const errors = ({ report }: { report: Report }) => report.forwards.map(({ error }) => error)

  test('that fails on a tunnel tells its first broken link, and what mends it', async () => {
    const [pi] = errors(await run('verify', { gw: { word: 'new' }, pi: { word: 'new' }, cam: { word: 'new' } }))
    expect(pi?.message).toMatch(/\nbroken link: account: gw has no account tunnel-pi-\w+$/)
    expect(pi?.hint).toMatch(/^provision \S+ --limit gw --limit pi$/)
    // An apply has just done that.
    const [same] = errors(await run('apply', { gw: { word: 'new' }, pi: { word: 'new' }, cam: { word: 'new' } }))
    expect(same).toEqual({ message: pi?.message, hint: expect.not.stringContaining('provision') })
  })

  test('names what it has failed on itself as the cause, and asks nobody', async () => {
    const failed = await run('apply', { pi: { word: 'locked' } })
    expect(errors(failed)[0]).toMatchObject({ hint: 'first mend what went wrong on pi, then run again' })
    expect(failed.done).not.toContain('ask pi')
    expect(failed.done).toContain('ask cam')
  })

  test('asks no doctor where only forwards are looked at', async () => {
    const { done, report } = await run('verify', {}, { only: 'forwards' })
    expect(done.filter((what) => what.startsWith('ask'))).toEqual([])
    expect(report.forwards[0]?.error?.message).not.toContain('broken link')
  })

  test('changes each in its step, confirms by a fresh login, and leaves nothing open', async () => {
    const { outcomes, words, done, open, plan } = await run('apply')
    expect(outcomes).toEqual({ gw: 'changed', pi: 'changed', cam: 'changed' })
    expect(words).toEqual({ gw: 'new', pi: 'new', cam: 'new' })
    expect(plan).toEqual(['gw: write new', 'pi: write new', 'cam: write new'])
    // A login, the apply, and a fresh login before the word that keeps it.
    expect(done.filter((what) => what.endsWith(' pi')).slice(0, 4)).toEqual([
      ...['login pi', 'apply pi', 'login pi', 'confirm pi'],
    ])
    expect(at(done, 'confirm gw')).toBeLessThan(at(done, 'apply pi'))
    expect(open).toBe(0)
  })

  test('proves the forwards of a device beside the login that confirms its last change', async () => {
    const { proofs, done } = await run('apply')
    const between = (begin: string, end: string) =>
      proofs.filter(({ port, at: when }) => port === 9001 && when > at(done, begin) && when <= at(done, end))
    expect(between('apply pi', 'confirm pi')).toHaveLength(1)
    expect(between('apply gw', 'apply pi')).toEqual([])
  })

  test('changes nothing where all is as written, and nothing in a check', async () => {
    const converged = { gw: { word: 'new' }, pi: { word: 'new' }, cam: { word: 'new' } }
    const same = await run('apply', converged)
    expect(same.outcomes).toEqual({ gw: 'ok', pi: 'ok', cam: 'ok' })
    // No forward answers in this world, so the doctor is asked, over the sessions that there are.
    expect(same.done.slice(0, 3)).toEqual(['login gw', 'login pi', 'login cam'])
    expect(same.done.slice(3).sort()).toEqual(['ask cam', 'ask gw', 'ask gw', 'ask pi'])
    const checked = await run('check')
    expect(checked.outcomes).toEqual({ gw: 'differs', pi: 'differs', cam: 'differs' })
    expect(checked.words).toEqual({ gw: 'old', pi: 'old', cam: 'old' })
    expect(checked.report.exitCode).not.toBe(0)
  })
})

describe('a run in which one host fails goes on with the others', () => {
  test('an unreachable one', async () => {
    const { outcomes, words, report } = await run('apply', { pi: { unreachable: true } })
    expect(outcomes).toEqual({ gw: 'changed', pi: 'unreachable', cam: 'changed' })
    expect(words).toEqual({ gw: 'new', pi: 'old', cam: 'new' })
    expect(report.hosts.find(({ name }) => name === 'pi')?.error).toMatchObject({ message: 'pi is switched off' })
    expect(report.exitCode).toBe(3)
  })

  test('one that refuses the plan is not touched, and says why', async () => {
    const { outcomes, words, done, report } = await run('apply', { cam: { word: 'locked' } })
    expect(outcomes).toEqual({ gw: 'changed', pi: 'changed', cam: 'rejected' })
    expect(words.cam).toBe('locked')
    expect(done).not.toContain('apply cam')
    const { error } = report.hosts.find(({ name }) => name === 'cam') ?? {}
    expect(error).toEqual({ message: 'word: somebody else has written it', hint: 'ask them' })
  })

  test('devices are not changed for a gateway that refuses', async () => {
    const { outcomes, words } = await run('apply', { gw: { word: 'locked' } })
    expect(outcomes).toEqual({ gw: 'rejected', pi: 'rejected', cam: 'rejected' })
    expect(words).toEqual({ gw: 'locked', pi: 'old', cam: 'old' })
  })

  test('one that lets nobody in after the change undoes it, and that is proved by a login', async () => {
    const { outcomes, words, done } = await run('apply', { pi: { shutsOut: true } })
    expect(outcomes).toEqual({ gw: 'changed', pi: 'undone', cam: 'changed' })
    expect(words.pi).toBe('old')
    expect(done).not.toContain('confirm pi')
    expect(done.lastIndexOf('login pi')).toBeGreaterThan(at(done, 'undone pi'))
  })

  test('one that is lost in mid-change is unknown', async () => {
    const { outcomes, report } = await run('apply', { cam: { falls: true } })
    expect(outcomes).toEqual({ gw: 'changed', pi: 'changed', cam: 'unknown' })
    expect(report.exitCode).toBe(3)
  })
})

describe('where somebody is asked', () => {
  const minute = 60_000
  const at = (done: readonly string[]) => done.indexOf('asked')

  test('a yes applies what was shown, from the same look, in the same sessions', async () => {
    const { done, outcomes, shown } = await run('apply', {}, { answers: [{ yes: true }] })
    expect(outcomes).toEqual({ gw: 'changed', pi: 'changed', cam: 'changed' })
    expect(done.slice(0, at(done))).toEqual(['login gw', 'login pi', 'login cam'])
    expect(done[at(done) + 1]).toBe('apply gw')
    expect(shown).toBe(1)
  })

  test('a no touches nothing: the hosts differ, and no forward is told of', async () => {
    const { done, words, outcomes, report, open } = await run('apply', {}, { answers: [{ yes: false }] })
    expect(outcomes).toEqual({ gw: 'differs', pi: 'differs', cam: 'differs' })
    expect(words).toEqual({ gw: 'old', pi: 'old', cam: 'old' })
    expect({ code: report.exitCode, forwards: report.forwards, last: done.at(-1), open }).toEqual({
      ...{ code: 4, forwards: [], last: 'asked', open: 0 },
    })
  })

  test('nobody is asked where there is nothing to do, nor by a check', async () => {
    const converged = { gw: { word: 'new' }, pi: { word: 'new' }, cam: { word: 'new' } }
    expect((await run('apply', converged, { answers: [] })).done).not.toContain('asked')
    expect((await run('check', {}, { answers: [] })).done).not.toContain('asked')
  })

  test('a late yes looks once more; where all is as it was, that plan is done and not asked about again', async () => {
    const { done, outcomes, shown } = await run('apply', {}, { answers: [{ yes: true, after: minute }] })
    expect(outcomes).toEqual({ gw: 'changed', pi: 'changed', cam: 'changed' })
    expect(done.slice(at(done), at(done) + 5)).toEqual(['asked', 'login gw', 'login pi', 'login cam', 'apply gw'])
    expect(shown).toBe(1)
  })

  test('a late yes does not count for what has moved: the new plan is shown, and needs a yes of its own', async () => {
    const late = { yes: true, after: minute, moved: { pi: { word: 'other' } } }
    const no = await run('apply', {}, { answers: [late, { yes: false }] })
    expect({ words: no.words, shown: no.shown }).toEqual({ words: { gw: 'old', pi: 'other', cam: 'old' }, shown: 2 })
    const yes = await run('apply', {}, { answers: [late, { yes: true }] })
    expect(yes.outcomes).toEqual({ gw: 'changed', pi: 'changed', cam: 'changed' })
    const done = await run('apply', {}, { answers: [{ ...late, moved: { pi: { word: 'new' } } }, { yes: true }] })
    expect(done.outcomes).toEqual({ gw: 'changed', pi: 'ok', cam: 'changed' })
  })

  test('a host that has refused before the question is no reason to ask again', async () => {
    const { shown, outcomes } = await run(
      'apply',
      { cam: { word: 'locked' } },
      { answers: [{ yes: true, after: minute }] },
    )
    expect({ shown, outcomes }).toEqual({ shown: 1, outcomes: { gw: 'changed', pi: 'changed', cam: 'rejected' } })
  })

  test('a host that is away after a late yes is left alone, the others are changed', async () => {
    const answers = [{ yes: true, after: minute, moved: { cam: { unreachable: true } } as const }]
    expect((await run('apply', {}, { answers })).outcomes).toEqual({ gw: 'changed', pi: 'changed', cam: 'unreachable' })
  })
})

test('after Ctrl-C no further step is begun: what is left still differs, and the report says that it was interrupted', async () => {
  const interrupt = new AbortController()
  const debug = (title: string) => {
    if (title === 'apply on gw') interrupt.abort()
  }
  const { outcomes, words, report } = await run('apply', {}, { signal: interrupt.signal, debug })
  expect(outcomes).toEqual({ gw: 'changed', pi: 'differs', cam: 'differs' })
  expect(words).toEqual({ gw: 'new', pi: 'old', cam: 'old' })
  expect(report.exitCode).toBe(130)
})

describe('a gateway that has changed is tried by a device before that is kept', () => {
  const log = 'debug1: Remote protocol version 2.0, remote software version OpenSSH_10.0\nAuthenticated to gw'

  test('it works: kept, and nothing is left of it', async () => {
    const { outcomes, done } = await run('apply', {}, { steps: trying })
    expect(outcomes).toEqual({ gw: 'changed', pi: 'changed', cam: 'changed' })
    expect(done.indexOf('try pi')).toBeGreaterThan(done.indexOf('apply gw'))
    expect(done.indexOf('clean gw')).toBeLessThan(done.indexOf('confirm gw'))
    expect(done).not.toContain('try cam')
  })

  test('it is refused: rolled back, with the directive that refuses it, and no device is changed for it', async () => {
    const refused = { tries: { code: 255, log: `${log}\nError: remote port forwarding failed` } }
    const { words, report, done } = await run('apply', { pi: refused }, { steps: trying })
    const { outcome, error } = report.hosts.find(({ name }) => name === 'gw') ?? {}
    expect({ outcome, word: words.gw }).toEqual({ outcome: 'undone', word: 'old' })
    expect(error?.hint).toContain('allow forwarding')
    expect(done).not.toContain('confirm gw')
  })

  test('who cannot come to the gateway at all has refused nothing; nor does one that is not there', async () => {
    const lost = { tries: { code: 255, log: 'ssh: connect to host gw port 22: Connection timed out' } }
    expect((await run('apply', { pi: lost }, { steps: trying })).outcomes.gw).toBe('changed')
    const { outcomes, done } = await run('apply', { pi: { unreachable: true } }, { steps: trying })
    expect(outcomes).toEqual({ gw: 'changed', pi: 'unreachable', cam: 'changed' })
    expect(done).toContain('try cam')
  })

  test('where the gateway has nothing to change, or nothing that concerns a tunnel, nothing is tried', async () => {
    expect((await run('apply', { gw: { word: 'new' } }, { steps: trying })).done).not.toContain('try pi')
    expect((await run('apply', {}, { steps: tryingFor(() => false) })).done).not.toContain('try pi')
  })
})
