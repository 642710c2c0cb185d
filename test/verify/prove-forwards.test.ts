import { connect as dial } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConnectError } from '../../src/errors.ts'
import type { Forward } from '../../src/inventory/model.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { proveForwards } from '../../src/verify/prove-forwards.ts'
import { type Lab, lab, me, type Sshd, transports } from '../ssh/session/fixture.ts'
import { closed, deviceOf, forwardOf, gatewayOf, speaking } from './prover.ts'

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let sshd: Sshd
  beforeAll(async () => {
    it = lab(transport)
    sshd = await it.sshd()
  })
  afterAll(() => it.end())

  describe('all forwards of a run', () => {
    const own = forwardOf()
    const web = forwardOf({ port: 9080, host: 'printer', hostPort: 80 })
    const proving = (open: (port: number) => Duplex, paced: string[] = []) => ({
      devices: [deviceOf({ it, sshd }, [own, web])],
      wire: it.wire(),
      now: () => performance.now(),
      gateway: async (): Promise<Session> => ({
        ...gatewayOf(closed).session,
        forward: async (_address, port) => open(port),
      }),
      hostKeyEnough: false,
      pace: async <T>({ gateway }: Forward, work: () => Promise<T>) => {
        paced.push(gateway)
        return work()
      },
    })

    test('are told in the order of the playbook, though those that prove the tunnel go first', async () => {
      const paced: string[] = []
      const open = (port: number) => (port === 9022 ? dial(sshd.port, '127.0.0.1') : speaking())
      const reports = await proveForwards([web, own], proving(open, paced))
      expect(reports.map(({ port, state }) => [port, state])).toEqual([
        [9080, 'ok'],
        [9022, 'ok'],
      ])
      expect(paced).toEqual(['gw', 'gw'])
    })

    test('a gateway that cannot be reached leaves its forwards unverified and the others alone', async () => {
      const one = proving(() => speaking())
      const reports = await proveForwards([own], {
        ...one,
        gateway: () => Promise.reject(new ConnectError('login', `no login as ${me}`)),
      })
      expect(reports.map(({ state }) => state)).toEqual(['unverified'])
    })

    test('a fault of ours is not reported as a state', async () => {
      const one = { ...proving(() => speaking()), gateway: () => Promise.reject(new TypeError('a fault of ours')) }
      await expect(proveForwards([own], one)).rejects.toThrow('a fault of ours')
    })
  })
})
