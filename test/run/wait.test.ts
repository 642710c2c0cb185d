import { expect, test } from 'vitest'
import { ConnectError, type ProvisionError } from '../../src/errors.ts'
import type { ForwardReport, ForwardState } from '../../src/report/report.ts'
import { silent } from '../../src/report/terminal/progress.ts'
import { assemble, endMember, failLook, type Member } from '../../src/run/fleet.ts'
import { type Waiting, waitFor } from '../../src/run/wait.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { parse } from '../inventory/parse.ts'

const inventory = parse(
  JSON.stringify({
    gateways: { gw: {} },
    devices: { pi: { forwards: ['9001:localhost:22'] }, quiet: { forwards: ['9002:localhost:22'] } },
  }),
)
const forward = (device: string, state: ForwardState, more: Partial<ForwardReport> = {}): ForwardReport => ({
  ...{ device, gateway: 'gw', bindAddress: '127.0.0.1', port: device === 'pi' ? 9001 : 9002, state },
  ...more,
})
const unreachable = new ConnectError('unreachable', 'no route to host')
const refused = new ConnectError('login', 'the login as me was refused')

interface World {
  readonly waitMs?: number
  readonly first: readonly ForwardReport[]
  /** Why a host could not be looked at in the beginning. */
  readonly away?: Readonly<Record<string, ProvisionError>>
  /** Of the forwards that are proved again, in the round that is the first, the second …; absent: as before. */
  readonly meanwhile?: (round: number, report: ForwardReport) => ForwardReport
  /** From this round on the hosts that were away are there. */
  readonly backIn?: number
}

/** A world with a clock of its own, in which waiting takes no time; what was done in it, and when. */
async function wait({ waitMs = 60_000, first, away = {}, meanwhile, backIn = 99 }: World) {
  let now = 0
  let round = 0
  const done: string[] = []
  const fleet = assemble(inventory, [], () => true, 0)
  const say = (what: string) => done.push(`${now / 1000} ${what}`)
  const session: Session = {
    ...{ host: 'gw', via: 'direct', hostKey: '', hostKeys: () => [], close: () => {} },
    exec: () => expect.fail('nothing to look at'),
    forward: () => expect.fail('no forward'),
  }
  for (const [name, error] of Object.entries(away)) {
    const member = fleet.members.get(name) ?? expect.fail(name)
    failLook(member, error)
    endMember(member, { outcome: 'unreachable', at: 0 })
  }
  const run: Waiting = {
    ...{ fleet, waitMs, now: () => now, signal: new AbortController().signal, debug: () => {} },
    wait: async (ms: number) => {
      now += ms
      round++
    },
    login: async (member: Member) => {
      say(`look ${member.host.name}`)
      if (round < backIn) throw away[member.host.name]
      return session
    },
    pins: { trusted: async () => () => true, add: async () => {}, keep: async () => {} },
    progress: silent,
    end: (member, outcome) => endMember(member, { outcome, at: now }),
  }
  const again = async (some: readonly ForwardReport[]) => {
    for (const { device } of some) say(`prove ${device}`)
    return some.map((report) => meanwhile?.(round, report) ?? report)
  }
  const reports = await waitFor(first, again, run)
  return {
    done,
    states: reports.map(({ state }) => state),
    waited: reports.map(({ waited }) => waited),
    outcome: (name: string) => fleet.members.get(name)?.end?.outcome,
  }
}

test('where all is there nobody waits', async () => {
  expect(await wait({ first: [forward('pi', 'ok'), forward('quiet', 'ok')] })).toMatchObject({
    done: [],
    states: ['ok', 'ok'],
  })
})

test('what is not there is asked slower and slower, and the rest not at all', async () => {
  const { done, states } = await wait({ first: [forward('pi', 'no-tunnel'), forward('quiet', 'ok')] })
  expect(done).toEqual([2, 5, 9.5, 16.25, 26.375, 41.375, 56.375, 60].map((at) => `${at} prove pi`))
  expect(states).toEqual(['no-tunnel', 'ok'])
})

test('it ends in the moment in which all are there', async () => {
  const { done, states, waited } = await wait({
    first: [forward('pi', 'stale'), forward('quiet', 'device-sshd-down')],
    meanwhile: (round, report) => (report.device === 'pi' || round === 3 ? { ...report, state: 'ok' } : report),
  })
  expect(done).toEqual(['2 prove pi', '2 prove quiet', '5 prove quiet', '9.5 prove quiet'])
  expect([states, waited]).toEqual([
    ['ok', 'ok'],
    [2, 9.5],
  ])
})

test('what waiting does not mend is not waited for, and nobody knocks again who was sent away', async () => {
  const first = [forward('pi', 'wrong-device'), forward('quiet', 'unverified', { hostKey: 'SHA256:abc' })]
  expect((await wait({ first, away: { pi: refused } })).done).toEqual([])
})

test('nor what a gateway hides that refuses us', async () => {
  const first = [forward('pi', 'unverified'), forward('quiet', 'unverified')]
  expect((await wait({ first, away: { gw: refused } })).done).toEqual([])
})

test('a gateway that was away is logged in to before the forwards are proved through it', async () => {
  const { done, states, outcome } = await wait({
    first: [forward('pi', 'unverified'), forward('quiet', 'ok')],
    away: { gw: unreachable },
    backIn: 2,
    meanwhile: (round, report) => (round === 2 ? { ...report, state: 'ok' } : report),
  })
  expect(done).toEqual(['2 look gw', '2 prove pi', '5 look gw', '5 prove pi'])
  expect([states, outcome('gw')]).toEqual([['ok', 'ok'], undefined])
})

test('a device that was away is looked at as soon as its tunnel is there, and not before', async () => {
  const { done, outcome } = await wait({
    first: [forward('pi', 'stale'), forward('quiet', 'ok')],
    away: { pi: unreachable },
    backIn: 2,
    meanwhile: (round, report) => (round === 2 ? { ...report, state: 'ok' } : report),
  })
  expect(done).toEqual(['2 prove pi', '5 prove pi', '5 look pi'])
  expect(outcome('pi')).toBeUndefined()
})

test('when the time is over, what is still away is looked at a last time', async () => {
  const { done, outcome } = await wait({
    waitMs: 4000,
    first: [forward('pi', 'stale'), forward('quiet', 'ok')],
    away: { pi: unreachable },
  })
  expect(done).toEqual(['2 prove pi', '4 prove pi', '4 look pi'])
  expect(outcome('pi')).toBe('unreachable')
})
