import { describe, expect, test } from 'vitest'
import {
  deviceRemovedProofs,
  endedSessions,
  formerKey,
  gatewayRemovedProofs,
  keysRefused,
  mayRemove,
  removedFromDevice,
} from '../../playbooks/reverse-tunnel/removal.ts'
import reverseTunnel from '../../playbooks/reverse-tunnel.ts'
import type { Seen } from '../../src/resources/resource.ts'
import { parse } from '../inventory/parse.ts'
import { complaints, nothing } from '../resources/golden.ts'

const inventory = parse(
  JSON.stringify({
    gateways: { gw: {}, old: { listener: 'sshd' } },
    devices: {
      pi: {
        forwards: [
          { gateway: 'gw', port: 9022, host: 'localhost', hostPort: 22 },
          { gateway: 'old', port: 9023, host: 'localhost', hostPort: 22 },
        ],
      },
    },
  }),
)
const { gateways, devices } = inventory
const [gw, old, pi] = [gateways[0], gateways[1], devices[0]]
if (!gw || !old || !pi) throw new Error('nobody')
const KEY = 'ssh-ed25519 AAAAold'
const seen: Seen = { ...nothing, of: (_, id) => (id === 'key of pi' ? `${KEY}\n` : undefined) }

test('the device goes first, then the gateways remove it, and all is checked in the end', () => {
  const steps = reverseTunnel({ ...inventory, devices: [], leaving: [pi] })
  const order = steps.flatMap((step) => (step.kind === 'apply' ? [[...step.hosts.keys()].join()] : ['checks']))
  expect(order.indexOf('pi')).toBeLessThan(order.lastIndexOf('gw,old'))
  expect(order.indexOf('pi')).toBeGreaterThan(-1)
  const tried = steps.flatMap((step) => (step.kind === 'verify' ? [...(step.proofs?.keys() ?? [])] : []))
  expect(tried).toEqual(['gw', 'old', 'pi'])
})

test('what is tried is shell that dash and shellcheck have nothing against', () => {
  const proofs = [...gatewayRemovedProofs(pi, gw), ...gatewayRemovedProofs(pi, old), ...deviceRemovedProofs([gw, old])]
  const scripts = proofs.flatMap(({ script }) => (typeof script === 'function' ? script(seen) : script) ?? [])
  expect(scripts.length).toBe(proofs.length)
  const changes = [...removedFromDevice([gw]), ...endedSessions(pi, old), formerKey(pi)].map(({ inspect }) => inspect)
  expect(complaints([...scripts, ...changes])).toBe('')
})

test('the sessions of a shared account that hold its ports end, and of its own account no others than all', () => {
  expect(endedSessions(pi, gw)).toEqual([])
  const [sessions] = endedSessions(pi, old)
  expect(sessions?.diff('', nothing)).toBe('converged')
  // The daemon that listens there, sessions of other accounts, and other addresses are none of them.
  const others = '127.0.0.1:9023 1 root\n127.0.0.1:9023 66 bob\n127.0.0.2:9023 67 tunnel\n'
  expect(sessions?.diff(others, nothing)).toBe('converged')
  const change = sessions?.diff(`${others}127.0.0.1:9023 77 tunnel\n127.0.0.1:9023 78 tunnel\n`, nothing)
  if (typeof change !== 'object' || 'refused' in change) throw new Error('no change')
  expect(change.activate?.text).toContain('kill 77 78 ')
  expect(complaints([change.activate].flatMap((piece) => piece ?? []))).toBe('')
})

test('every key that was accepted is offered, and without one there is nothing to offer', () => {
  expect(keysRefused('tunnel-pi', [])).toBeUndefined()
  expect(keysRefused('tunnel-pi', [KEY, 'ssh-ed25519 AAAAnext'])?.text).toContain(
    `set -- '${KEY}' 'ssh-ed25519 AAAAnext'`,
  )
})

describe('a gateway removes a device', () => {
  const verdict = (told: Partial<Seen>) => mayRemove(pi).diff('', { ...nothing, ...told })

  test('that was cleared, or never reached', () => {
    expect(verdict({ of: () => '' })).toBe('converged')
    expect(verdict({ failed: () => true })).toBe('converged')
  })

  test('but not one that was reached and could not be cleared', () => {
    expect(verdict({ of: () => '', failed: () => true })).toMatchObject({
      refused: expect.stringContaining('this gateway does not remove pi yet'),
    })
  })
})
