import { expect, test } from 'vitest'
import { ConnectError } from '../../src/errors.ts'
import type { ForwardState } from '../../src/report/report.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { endpointOf } from '../../src/status/endpoint.ts'
import { parseGatewayFacts } from '../../src/status/gateway-facts.ts'
import type { GatewayAnswer, News } from '../../src/status/gateway-sessions.ts'
import { follow } from '../../src/watch/follow.ts'
import { inventoryOf } from './world.ts'

const session = { host: 'gw' } as Session

/** What the gateway tells: the processes of the devices' sessions, `undefined` for none, and how long each is silent. */
function facts(pids: readonly (number | undefined)[], { place = 'p', silent = 1000 } = {}) {
  const lines = pids.flatMap((pid, n) =>
    pid === undefined
      ? []
      : [
          `listener u_str LISTEN 0 128 /s/127.0.0.1_${9000 + n} 1 * 0 users:(("sshd-session",pid=${pid},fd=10))`,
          `process ${pid} 100`,
          `connection 0 0 10.0.0.1:22 10.0.0.2:5${n} users:(("sshd-session",pid=${pid},fd=7)) lastrcv:${silent}`,
        ],
  )
  return parseGatewayFacts([`place ${place}`, 'uptime 100.00', 'ticks 100', ...lines, ''].join('\n'))
}

/** Goes through these answers, one look a second; gives what was asked, proved and seen. */
async function goThrough(
  answers: readonly GatewayAnswer[],
  state: (n: number, proof: number) => ForwardState = () => 'ok',
) {
  const { gateways, devices } = inventoryOf(2)
  const [gateway] = gateways
  if (!gateway) throw new Error('no gateway')
  const ended = new AbortController()
  const asked: (News | undefined)[] = []
  const proved: string[] = []
  const seen: string[] = []
  const slept: number[] = []
  /** Between which seconds each of them was said to have begun. */
  const begins: (number[] | undefined)[] = []
  const sights: (number[] | undefined)[] = []
  let now = 1_000_000
  let last = answers[0]
  const endpoints = devices.flatMap((device) => device.forwards.map((forward) => endpointOf(device, gateway, forward)))
  await follow(gateway, endpoints, {
    board: { gateways: new Map(), forwards: new Map() },
    gateways: {
      async ask(_gateway, _doors, news) {
        // What was begun after the last look comes to its end.
        await new Promise((done) => setTimeout(done, 1))
        now += 1000
        asked.push(news)
        const answer = answers[asked.length - 1]
        if (!answer) ended.abort()
        last = answer ?? last
        return last ?? {}
      },
      close: () => undefined,
    },
    async prove({ device, forward }, _, stands) {
      proved.push(`${asked.length} ${device.name} ${stands}`)
      const { gateway: name, bindAddress, port } = forward
      const found = state(Number(device.name.slice(1)), proved.length)
      return { device: device.name, gateway: name, bindAddress, port, state: found }
    },
    ...{ everySeconds: 30, forwards: 2, ended: ended.signal, now: () => now },
    async sleep(ms) {
      slept.push(ms / 1000)
      now += ms
    },
    onGateway({ error, begin }) {
      seen.push(error ? 'unreachable' : 'reached')
      sights.push(begin && [begin.earliest, begin.latest].map((time) => time / 1000 - 1000))
    },
    onForward(status, _at, begin) {
      seen.push(`${status.device} ${status.state}`)
      begins.push(begin && [begin.earliest, begin.latest].map((time) => time / 1000 - 1000))
    },
  })
  return { begins, sights, asked, proved, seen, slept }
}

test('the first look does not wait; each one after it waits from where the last one ended', async () => {
  const { asked, proved, seen } = await goThrough([
    { session, told: facts([7, 8], { place: 'a' }) },
    { session, told: facts([7, 8], { place: 'b' }) },
  ])
  expect(asked.map((news) => news?.since)).toEqual([undefined, 'a', 'b'])
  // News came each time; the look that is due each 30 s is not put off by that.
  expect(asked.map((news) => news?.seconds)).toEqual([30, 30, 29])
  expect(proved).toEqual(['1 d0 true', '1 d1 true'])
  expect(seen).toEqual(['reached', 'd0 ok', 'd1 ok', 'reached'])
})

test('another session is proved at once, and so is one that is gone', async () => {
  const { proved } = await goThrough(
    [
      { session, told: facts([7, 8]) },
      { session, told: facts([7, undefined]) },
      { session, told: facts([7, undefined]) },
      { session, told: facts([7, 9]) },
    ],
    (n, proof) => (n === 1 && proof === 3 ? 'no-tunnel' : 'ok'),
  )
  expect(proved).toEqual(['1 d0 true', '1 d1 true', '2 d1 false', '4 d1 true'])
})

test('a gateway that does not answer is tried for ever, ever more seldom; one that refuses us much more so', async () => {
  const gone = { error: new ConnectError('unreachable', 'no answer') }
  const { seen, slept, asked } = await goThrough([
    gone,
    gone,
    gone,
    gone,
    gone,
    gone,
    { session, told: facts([7, 8]) },
    gone,
  ])
  expect(slept).toEqual([2, 4, 5, 5, 5, 5, 2])
  expect(seen.filter((one) => one === 'unreachable').length).toBe(7)
  expect(asked.at(-1)?.since).toBeUndefined()
  const refused = await goThrough([{ error: new ConnectError('login', 'permission denied') }])
  expect(refused.slept).toEqual([300])
})

test('a gateway that lets nobody read is looked at in the usual time, and its devices are proved', async () => {
  const { proved, slept } = await goThrough([{ session }, { session }])
  expect(slept).toEqual([30, 30])
  expect(proved.slice(0, 2)).toEqual(['1 d0 undefined', '1 d1 undefined'])
})

test('what the gateway cannot know lies between the last proof that was good and the first that was not', async () => {
  const looks = Array.from({ length: 80 }, () => ({ session, told: facts([7, 8]) }))
  const { begins, proved } = await goThrough(looks, (n, proof) =>
    n === 0 && proof > 4 && proof < 9 ? 'device-sshd-down' : 'ok',
  )
  const ofFirst = begins.filter((_, n) => proved[n]?.includes('d0'))
  const gap = (ofFirst[2]?.[1] ?? 0) - (ofFirst[2]?.[0] ?? 0)
  // Each 30 s, since it is looked at once a second here.
  expect(gap).toBeLessThanOrEqual(30)
  expect(ofFirst[2]).toEqual([24, 47])
})

test('a gateway is gone since its connection fell silent, and back since it did not answer the last time', async () => {
  const gone = { error: new ConnectError('unreachable', 'no answer') }
  const { sights } = await goThrough([
    { session, told: facts([7, 8]) },
    { ...gone, lost: { at: 1_030_000, silentSeconds: 15 } },
    gone,
    { session, told: facts([7, 8]) },
  ])
  expect(sights[1]).toEqual([10, 15])
  expect(sights.at(-1)?.[1]).toBeGreaterThan(sights.at(-1)?.[0] ?? 0)
})
