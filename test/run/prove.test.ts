import { connect as dial } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Inventory } from '../../src/inventory/model.ts'
import { silent } from '../../src/report/terminal/progress.ts'
import type { Run } from '../../src/run/context.ts'
import { assemble, replaceSession } from '../../src/run/fleet.ts'
import { proveMovedForwards } from '../../src/run/prove.ts'
import { parse } from '../inventory/parse.ts'
import { type Lab, lab, type Sshd } from '../ssh/session/fixture.ts'
import { deviceOf, forwardOf, gatewayOf, refuse } from '../verify/prover.ts'

let it: Lab
let sshd: Sshd
beforeAll(async () => {
  it = lab('node-ssh')
  sshd = await it.sshd()
})
afterAll(() => it.end())

/** A device that has moved, and answers from this second on; what is known of it in the end, and when it was asked. */
async function moved(backAt: number, powerCut: number | undefined) {
  let now = 0
  const asked: number[] = []
  const forward = forwardOf()
  const inventory: Inventory = {
    ...parse(JSON.stringify({ gateways: { gw: {} } })),
    devices: [deviceOf({ it, sshd }, [forward])],
  }
  const fleet = assemble(inventory, [], () => true, 0)
  const member = fleet.members.get('gw')
  if (!member) throw new Error('nobody')
  const no = refuse('Connection refused')
  const { session } = gatewayOf(() => {
    asked.push(now / 1000)
    return now >= backAt * 1000 ? dial(sshd.port, '127.0.0.1') : no()
  })
  replaceSession(member, session)
  const notes: string[] = []
  const run = {
    ...{ fleet, inventory, limit: () => true, now: () => now, signal: new AbortController().signal },
    context: { wire: it.wire(), forks: (work: (turn: undefined) => Promise<unknown>) => work(undefined) },
    progress: { ...silent, note: (text: string) => notes.push(text) },
    lastProofs: { stamp: async (reports: unknown) => reports },
    wait: async (ms: number) => {
      now += ms
    },
  } as unknown as Run
  const { device, gateway, bindAddress, port } = forward
  const promise = { device, gateway, bindAddress, port, silentLink: 20, frozenClient: 15 }
  const recoveries = powerCut === undefined ? [] : [{ ...promise, powerCut }]
  await proveMovedForwards({ kind: 'prove', forwards: () => [forward] }, recoveries, run)
  return { answers: fleet.answers.get('host-a'), asked, notes }
}

test('a device that has moved and answers at once is asked once', async () => {
  expect(await moved(0, 10)).toEqual({ answers: true, asked: [0], notes: [] })
})

test('one that comes later is waited for', async () => {
  expect(await moved(4, 10)).toEqual({ answers: true, asked: [0, 2, 5], notes: ['waiting up to 10 s for host-a'] })
})

test('one that does not come keeps its old doors when its promise is over', async () => {
  expect(await moved(99, 10)).toMatchObject({ answers: false, asked: [0, 2, 5, 9.5, 10] })
  expect(await moved(99, undefined)).toEqual({ answers: false, asked: [0], notes: [] })
})
