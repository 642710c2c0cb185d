import { expect, test } from 'vitest'
import type { ForwardStatus } from '../../src/report/status/status.ts'
import { endpointOf, endpointStatus } from '../../src/status/endpoint.ts'
import { parseGatewayFacts } from '../../src/status/gateway-facts.ts'
import { beginOf } from '../../src/watch/begin.ts'
import { inventoryOf } from './world.ts'

const inventory = inventoryOf(1)
const [gateway, device] = [inventory.gateways[0], inventory.devices[0]]
const forward = device?.forwards[0]
if (!gateway || !device || !forward) throw new Error('nothing to look at')
const endpoint = endpointOf(device, gateway, forward)
const { account, place } = endpoint

const boot = Date.UTC(2026, 10, 1) / 1000
/** Of the look; the proof is begun a second later. Seconds since the boot, as all here. */
const looked = 1000

/** Between which seconds it began. `before`: when it was last found otherwise. */
function begin(state: ForwardStatus['state'], shown: string[], { before }: { before?: number } = {}) {
  const facts = ['uptime 1000.00', 'ticks 100', 'process 1 0', `now ${boot + looked}`, ...shown, '']
  const told = parseGatewayFacts(facts.join('\n'))
  const at = (second: number) => (boot + second) * 1000
  const report = { device: 'd0', gateway: 'gw', bindAddress: '127.0.0.1', port: 9000, state }
  const found = { ...report, ...endpointStatus(endpoint, report, told, new Date(at(looked))) }
  const witnessed = {
    looked: at(looked),
    proved: at(looked + 1),
    before: before === undefined ? undefined : at(before),
  }
  const moment = beginOf(found, endpoint, told, witnessed)
  return moment && [moment.earliest, moment.latest].map((time) => time / 1000 - boot)
}

const log = (at: number, text: string, program = 'sshd-session') => `journal ${boot + at}.0 gw ${program}[7]: ${text}`
const accepted = log(100, `Accepted publickey for ${account} from 10.0.0.2 port 5 ssh2: ED25519 SHA256:aaaa`)
const closed = log(980, `pam_unix(sshd:session): session closed for user ${account}`)
const end = (text: string, program?: string) => [closed, log(980, text, program), accepted]
const session = (silentMs: number, began = 10) => [
  `listener u_str LISTEN 0 128 ${place} 1 * 0 users:(("sshd-session",pid=7,fd=10))`,
  `process 7 ${began * 100}`,
  `connection 0 0 10.0.0.1:22 10.0.0.2:5 users:(("sshd-session",pid=7,fd=7)) lastrcv:${silentMs}`,
]

test('a tunnel that said goodbye ended then', () => {
  const said = end('Received disconnect from 10.0.0.2 port 5:11: disconnected by user')
  expect(begin('no-tunnel', said)).toEqual([980, 980])
  expect(begin('no-tunnel', said, { before: 960 })).toEqual([980, 980])
})

test('one of which nothing was heard was gone before keepalives noticed, between two of them', () => {
  const said = `Timeout, client not responding from user ${account} 10.0.0.2 port 5`
  expect(begin('no-tunnel', end(said))).toEqual([920, 925])
  expect(begin('no-tunnel', end(said), { before: 923 })).toEqual([923, 925])
  // An old sshd's clock may run at half speed.
  expect(begin('no-tunnel', [log(980, said, 'sshd'), accepted])).toEqual([860, 925])
})

test('one that ended without a word may have been gone for as long as its own keepalives take', () => {
  expect(begin('no-tunnel', [closed, accepted])).toEqual([965, 980])
  expect(begin('no-tunnel', [closed, accepted], { before: 975 })).toEqual([975, 980])
  const other = log(980, 'Received disconnect from 10.0.0.2 port 6:11: disconnected by user')
  expect(begin('no-tunnel', [closed, other, accepted])).toEqual([965, 980])
})

test('a tunnel that is silent died between two keepalives; of one that is heard only the proofs tell', () => {
  expect(begin('stale', session(12_000), { before: 900 })).toEqual([988, 993])
  expect(begin('stale', session(3_000), { before: 980 })).toEqual([980, 1001])
  expect(begin('stale', session(3_000))).toBeUndefined()
})

test('another device answers since its session began, or since some time between two proofs of one session', () => {
  expect(begin('wrong-device', session(1_000, 990), { before: 980 })).toEqual([990, 990])
  expect(begin('wrong-device', session(1_000, 10), { before: 980 })).toEqual([980, 1001])
})

test('a stranger has the port since it was started, unless the device was well since then', () => {
  const stranger = (began: number) => [
    'listener LISTEN 0 128 127.0.0.1:9000 0.0.0.0:* users:(("nc",pid=9,fd=3))',
    `process 9 ${began * 100}`,
  ]
  expect(begin('stale', stranger(990), { before: 980 })).toEqual([990, 990])
  expect(begin('stale', stranger(10), { before: 980 })).toEqual([980, 1001])
})

test('who is well again through the same session is so since some time between two proofs', () => {
  expect(begin('ok', session(1_000, 990), { before: 980 })).toEqual([990, 990])
  expect(begin('ok', session(1_000, 10), { before: 980 })).toEqual([980, 1001])
  expect(begin('ok', session(1_000, 10))).toEqual([10, 10])
})
