import { expect, test } from 'vitest'
import { formerForwardsOf } from '../../src/run/former-forwards.ts'
import { confirmingRoutes } from '../../src/ssh/reach/reach.ts'
import type { HeldForward } from '../../src/tunnel/held-forwards.ts'
import { parse } from '../inventory/parse.ts'

const inventory = parse(
  JSON.stringify({
    gateways: { gw: {}, old: {} },
    devices: { pi: { knownAs: 'host-a', forwards: [{ gateway: 'gw', port: 9122, host: 'localhost', hostPort: 22 }] } },
  }),
)
const [pi] = inventory.devices
const [gw] = inventory.gateways
if (!pi || !gw) throw new Error('nobody')
const door = (device: string, port: number): HeldForward => ({
  device,
  bindAddress: '127.0.0.1',
  port,
  listener: 'socket',
})

test('the doors that gateways hold for the device by the name that they know, and that the inventory does not name', () => {
  const held = new Map([
    ['gw', [door('host-a', 9022), door('host-a', 9122), door('host-b', 9023), door('pi', 9024)]],
    ['old', [door('host-a', 9122)]],
  ])
  expect(formerForwardsOf(pi, held)).toEqual([
    { gateway: 'gw', bindAddress: '127.0.0.1', port: 9022 },
    { gateway: 'old', bindAddress: '127.0.0.1', port: 9122 },
  ])
})

test('a change is confirmed along the way that we came; where the inventory does not name that, along those that it names, too', () => {
  expect(confirmingRoutes(pi, 'direct')).toEqual(['direct'])
  expect(confirmingRoutes(pi, 'gw')).toEqual(['gw'])
  expect(confirmingRoutes(pi, 'forward')).toEqual(['forward'])
  const former = 'former forward 127.0.0.1:9022 on gw'
  expect(confirmingRoutes(pi, former)).toEqual(['forward', former])
  const byHand = 'forward on gw at 127.0.0.1:9300'
  expect(confirmingRoutes(pi, byHand)).toEqual(['forward', byHand])
  expect(confirmingRoutes(gw, 'direct')).toEqual(['direct'])
})
