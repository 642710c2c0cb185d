import { expect, test } from 'vitest'
import type { ForwardStatus } from '../../src/report/status/status.ts'
import { endpointOf } from '../../src/status/endpoint.ts'
import { parseGatewayFacts } from '../../src/status/gateway-facts.ts'
import { withBegin } from '../../src/watch/begin.ts'
import { inventoryOf } from './world.ts'

const inventory = inventoryOf(1)
const [gateway, device] = [inventory.gateways[0], inventory.devices[0]]
const forward = device?.forwards[0]
if (!gateway || !device || !forward) throw new Error('nothing to look at')
const endpoint = endpointOf(device, gateway, forward)
const since = '2026-11-01T10:00:20.000Z'
const status = { device: 'd0', gateway: 'gw', bindAddress: '127.0.0.1', port: 9000, state: 'no-tunnel', since } as const
const at = (line: string, more: Partial<ForwardStatus> = {}) => {
  const seconds = Date.parse(since) / 1000
  return withBegin({ ...status, ...more }, endpoint, parseGatewayFacts(`journal ${seconds}.0 gw sshd[7]: ${line}\n`))
    .since
}

test('a session that ended because nothing was heard was over before keepalives noticed', () => {
  expect(at(`Timeout, client not responding from user ${endpoint.account} 10.0.0.2 port 5`)).toBe(
    '2026-11-01T10:00:05.000Z',
  )
})

test('one that said goodbye, another one, and what is not gone, are as they were told', () => {
  expect(at(`Disconnected from user ${endpoint.account} 10.0.0.2 port 5`)).toBe(since)
  expect(at('Timeout, client not responding from user tunnel-other 10.0.0.2 port 5')).toBe(since)
  expect(at(`Timeout, client not responding from user ${endpoint.account} 10.0.0.2`, { state: 'stale' })).toBe(since)
})

test('since when another one answers, the age of the session does not tell', () => {
  expect(at('Accepted publickey', { state: 'wrong-device' })).toBeUndefined()
})
