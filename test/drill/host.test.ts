import { expect, test } from 'vitest'
import { type Drilled, faultsOf } from '../../src/drill/faults.ts'
import { begin } from '../../src/drill/host.ts'
import { RemoteError } from '../../src/errors.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { parse } from '../inventory/parse.ts'

const { devices, gateways } = parse(
  JSON.stringify({ gateways: { gw: {} }, devices: { pi: { forwards: ['127.0.0.1:9022:localhost:22'] } } }),
)
const [device, gateway] = [devices[0], gateways[0]]
const forward = device?.forwards[0]
if (!device || !gateway || !forward) throw new Error('nobody')
const drilled: Drilled = {
  ...{ device, gateway, forward, unit: 'reverse-tunnel-gw.service', listenerUnits: [], others: [] },
  ...{ networkSeconds: 60, portSeconds: 10 },
}

/** A kill, which strikes a second after it was begun, on a host that is so many ms away: when was it? */
async function begun(roundTrip: number, answer: string | RemoteError) {
  let now = 1000
  const session: Pick<Session, 'exec'> = {
    async exec() {
      now += 2 * roundTrip + 300
      if (typeof answer !== 'string') throw answer
      return { code: 0, stdout: Buffer.from(answer), stderr: Buffer.from('') }
    },
  }
  const [fault] = faultsOf(drilled, ['kill'])
  if (!fault) throw new Error('no fault')
  return begin(session as Session, fault, drilled, { restore: 30, now: () => now })
}

test('the way to the host is no part of the recovery, and what is left of it is not in our favour', async () => {
  // It struck 0.3 s after its first line, which ran when one and a half of the two round trips were over.
  for (const roundTrip of [0, 40, 600]) {
    const end = await begun(roundTrip, '@struck 30\n')
    if ('refused' in end) throw new Error(end.refused)
    const truly = 1000 + 1.5 * roundTrip + 300 + 1000
    expect(end.at).toBe(1000 + roundTrip + 300 + 1000)
    expect(end.at).toBeLessThanOrEqual(truly)
    expect(end.heard).toBe(1000 + 2 * roundTrip + 300)
  }
})

test('where the answer is lost, it counts from when it was asked', async () => {
  expect(await begun(600, new RemoteError('lost', 'the connection was lost'))).toEqual({ at: 2000, heard: 2500 })
  expect(await begun(600, new RemoteError('refused', 'no'))).toEqual({ refused: 'no' })
})
