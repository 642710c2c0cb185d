import { expect, test } from 'vitest'
import { ConnectError } from '../../src/errors.ts'
import type { ForwardReport, ForwardState, Outcome, Report } from '../../src/report/report.ts'
import { silent } from '../../src/report/terminal/progress.ts'
import { addChanges, assemble, endMember, failLook, replaceSession } from '../../src/run/fleet.ts'
import type { ProveAgain } from '../../src/run/wait.ts'
import { type WaitingAsPromised, waitAsPromised } from '../../src/run/wait-as-promised.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { parse } from '../inventory/parse.ts'

const inventory = parse(
  JSON.stringify({
    gateways: { gw: {} },
    devices: { pi: { forwards: ['9001:localhost:22'] }, cam: { forwards: ['9002:localhost:22'] } },
  }),
)
const forward = (device: string, state: ForwardState, more: Partial<ForwardReport> = {}): ForwardReport => ({
  ...{ device, gateway: 'gw', bindAddress: '127.0.0.1', port: device === 'pi' ? 9001 : 9002, state },
  ...more,
})
const recoveries = ['pi', 'cam'].map((device) => {
  const { state: _, ...listener } = forward(device, 'ok')
  return { ...listener, powerCut: 10, silentLink: 20, frozenClient: 15 }
})

interface World {
  readonly command?: Report['command']
  readonly first: readonly ForwardReport[]
  /** How hosts came out of the run; those that are not named: ok, without a change. */
  readonly ends?: Readonly<Record<string, Outcome>>
  /** From this second on a forward of the device is as it should be. */
  readonly back?: Readonly<Record<string, number>>
  readonly promised?: typeof recoveries
  /** Seconds that a look at the forwards takes. */
  readonly lookTakes?: number
  /** Ctrl-C. */
  readonly interruptedAt?: number
}

/** A world with a clock of its own, in which waiting takes no time; what was done in it, and when. */
async function wait({
  command = 'apply',
  first,
  ends = {},
  back = {},
  promised = recoveries,
  lookTakes = 0,
  interruptedAt = Number.POSITIVE_INFINITY,
}: World) {
  let now = 0
  const done: string[] = []
  const notes: string[] = []
  const say = (what: string) => done.push(`${now / 1000} ${what}`)
  const interrupt = new AbortController()
  const pass = (ms: number) => {
    now += ms
    if (now >= interruptedAt * 1000) interrupt.abort()
  }
  const fleet = assemble(inventory, [], () => true, 0)
  const session: Session = {
    ...{ host: 'gw', via: 'direct', hostKey: '', hostKeys: () => [], close: () => {} },
    exec: () => expect.fail('nothing to look at'),
    forward: () => expect.fail('no forward'),
  }
  for (const [name, member] of fleet.members) {
    const outcome = ends[name] ?? 'ok'
    if (outcome === 'unreachable') failLook(member, new ConnectError('unreachable', 'no route to host'))
    else replaceSession(member, session)
    if (outcome === 'changed') addChanges(member, [{ resource: 'file x', summary: 'write' }])
    endMember(member, { outcome, at: 0 })
  }
  const run: WaitingAsPromised = {
    ...{ fleet, command, now: () => now, signal: interrupt.signal, debug: () => {} },
    wait: async (ms: number) => pass(ms),
    login: async ({ host }) => {
      say(`login ${host.name}`)
      return session
    },
    pins: { trusted: async () => () => true, add: async () => {}, keep: async () => {} },
    progress: { ...silent, note: (text) => notes.push(text) },
    end: (member, outcome) => endMember(member, { outcome, at: now }),
  }
  const again: ProveAgain = async (some) => {
    for (const { device } of some) say(`prove ${device}`)
    const began = now
    pass(lookTakes * 1000)
    return some.map(({ cut: _, waited: __, ...report }) => {
      const there = began >= (back[report.device] ?? Number.POSITIVE_INFINITY) * 1000
      return there ? { ...report, state: 'ok' as const } : report
    })
  }
  const reports = await waitAsPromised(first, promised, again, run)
  return {
    ...{ done, notes, seconds: now / 1000 },
    states: reports.map(({ state }) => state),
    waited: reports.map(({ waited }) => waited),
    outcome: (name: string) => fleet.members.get(name)?.end?.outcome,
  }
}

test('where all is there nobody waits', async () => {
  const all = await wait({ first: [forward('pi', 'ok'), forward('cam', 'ok')], ends: { pi: 'changed' } })
  expect(all).toMatchObject({ done: [], notes: [], waited: [undefined, undefined], seconds: 0 })
})

test('a tunnel that comes late is waited for, slower and slower, and the report says how long', async () => {
  const late = await wait({ first: [forward('pi', 'no-tunnel'), forward('cam', 'ok')], back: { pi: 4 } })
  expect(late.done).toEqual(['2 prove pi', '5 prove pi'])
  expect(late.notes).toEqual(['waiting up to 10 s for pi'])
  expect([late.states, late.waited]).toEqual([
    ['ok', 'ok'],
    [5, undefined],
  ])
})

test('one that is dead is called dead when its own promise is over, and not before', async () => {
  const dead = await wait({ first: [forward('pi', 'no-tunnel'), forward('cam', 'ok')] })
  expect(dead.done).toEqual([2, 5, 9.5, 10].map((at) => `${at} prove pi`))
  expect([dead.states[0], dead.waited[0]]).toEqual(['no-tunnel', 10])
})

test('each forward has its own promise: what hangs has to be given up first', async () => {
  const both = await wait({ first: [forward('pi', 'no-tunnel'), forward('cam', 'stale')] })
  expect(both.done.filter((what) => what.endsWith('pi'))).toEqual([2, 5, 9.5, 16.25].map((at) => `${at} prove pi`))
  expect(both.done.at(-1)).toBe('20 prove cam')
  const slow = recoveries.map((promise) => ({ ...promise, powerCut: 20, silentLink: 30 }))
  expect((await wait({ first: [forward('pi', 'no-tunnel')], promised: slow })).seconds).toBe(20)
})

test('a look that takes long does not shorten what is promised', async () => {
  const { done, states } = await wait({ first: [forward('pi', 'stale')], lookTakes: 8, back: { pi: 20 } })
  // Who was asked at 13 and silent until 21 was asked too early.
  expect([done, states]).toEqual([['2 prove pi', '13 prove pi', '21.001 prove pi'], ['ok']])
})

test('nobody waits for a promise that nobody gave, nor in a run that changes nothing', async () => {
  const first = [forward('pi', 'no-tunnel')]
  expect((await wait({ first, promised: [] })).seconds).toBe(0)
  for (const command of ['verify', 'check'] as const) expect((await wait({ first, command })).done).toEqual([])
})

test('what waiting does not mend is not waited for', async () => {
  const first = [forward('pi', 'wrong-device'), forward('cam', 'unverified')]
  expect((await wait({ first, ends: { gw: 'changed', pi: 'changed' } })).done).toEqual([])
})

test('a gateway whose session was cut is logged in to again before anything is proved through it', async () => {
  const cut = await wait({ first: [forward('pi', 'unverified', { cut: true })], back: { pi: 0 } })
  expect([cut.done, cut.states]).toEqual([['2 login gw', '2 prove pi'], ['ok']])
  const off = await wait({ first: [forward('pi', 'unverified', { cut: true })], ends: { gw: 'unreachable' } })
  expect(off.done).toEqual([])
})

test('a device that is off does not hold up a run that did nothing for it', async () => {
  const first = [forward('pi', 'no-tunnel')]
  expect((await wait({ first, ends: { pi: 'unreachable' } })).done).toEqual([])
  expect((await wait({ first, ends: { pi: 'undone' } })).seconds).toBe(10)
})

test('a device that was out of reach comes back with its tunnel, and is looked at', async () => {
  const { done, outcome } = await wait({
    first: [forward('pi', 'no-tunnel')],
    ends: { pi: 'unreachable', gw: 'changed' },
    back: { pi: 2 },
  })
  expect(done).toEqual(['2 prove pi', '2 login pi'])
  expect([outcome('pi'), outcome('gw')]).toEqual(['ok', 'changed'])
})

test('Ctrl-C ends it', async () => {
  const { done, states } = await wait({ first: [forward('pi', 'no-tunnel')], interruptedAt: 4 })
  expect([done, states]).toEqual([['2 prove pi'], ['no-tunnel']])
})
