import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Rehearsal, rehearse } from './kit.ts'
import { deviceOf, differences, gatewayOf, inventory, laneOf, type Played } from './odd-hosts/bench.ts'
import { environments } from './odd-hosts/environments.ts'
import { ground } from './odd-hosts/ground.ts'
import { logins } from './odd-hosts/logins.ts'
import type { OddHost } from './odd-hosts/odd-host.ts'
import { configurations, settings } from './odd-hosts/sshd.ts'
import { accounts, disks, services } from './odd-hosts/systems.ts'
import { stateOf } from './state-of.ts'

/**
 * Hosts as they are, each as somebody has reported one: a run changes them as any other, or refuses them in words that
 * help and touches nothing. Two pairs of machines are made odd and normal again, one case after the other.
 *
 * Other tests have more of their kinds: gateways that let no tunnel in (trials), what keeps units and accounts from being
 * as written (effective), an sshd that would not read our files (dormant), what strangers have made (strangers), disks
 * that are full (bad-days) or forget (storage).
 */
const tables = { logins, environments, settings, configurations, disks, accounts, services, ground }
const all: readonly OddHost[] = Object.values(tables).flat()
/** To look at some of them: a part of their names. */
const some = all.filter(({ name }) => name.includes(process.env.PROVISION_ODD_HOSTS ?? ''))
const suites = ['bookworm', 'trixie'] as const
/** Every second one on each. */
const suiteOf = (odd: OddHost) => odd.suite ?? suites[all.indexOf(odd) % 2]

let it: Rehearsal
const played = new Map<string, Played | Error>()
const left = new Map<string, readonly string[]>()
beforeAll(async () => {
  const machines = suites.flatMap((suite) => [gatewayOf(suite), deviceOf(suite)].map((name) => [name, suite] as const))
  it = await rehearse(inventory(suites), { suite: Object.fromEntries(machines) })
  await Promise.all(
    suites.map(async (suite) => {
      const lane = await laneOf(it, suite)
      const looked = () => Promise.all(lane.machines.map(stateOf))
      const before = await looked()
      for (const odd of some.filter((each) => suiteOf(each) === suite))
        played.set(odd.name, await lane.play(odd).catch((error: Error) => error))
      await lane.reset()
      left.set(suite, differences(before.flat(), (await looked()).flat()))
    }),
  )
}, 1200_000)
afterAll(() => it?.down())

test('they are more than sixty, and no name stands twice', () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  expect(all.length).toBeGreaterThan(60)
})

describe.each(Object.entries(tables))('%s', (_, cases) => {
  test.each(cases)('$name', ({ name, refused, change }) => {
    if (!some.some((odd) => odd.name === name)) return
    const result = played.get(name)
    if (!result || result instanceof Error) throw result ?? new Error('it was not played')
    if (refused) {
      expect(result).toMatchObject({ code: expect.toBeOneOf([1, 3]), said: expect.stringMatching(refused) })
      expect(result.outcomes).toEqual([expect.toBeOneOf(['rejected', 'unreachable'])])
      return
    }
    const two = change === 'tunnel'
    const [outcomes, forwards] = two
      ? [
          ['changed', 'changed'],
          ['ok', 'ok'],
        ]
      : [['changed'], ['ok']]
    expect(result).toEqual({ code: 0, outcomes, forwards, said: '' })
  })
})

test.each(suites)('%s: nothing is left of it all', (suite) => {
  expect(left.get(suite)).toEqual([])
})
