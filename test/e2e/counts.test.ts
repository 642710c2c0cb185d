import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Rehearsal, rehearse, states } from './kit.ts'

// 1 + 20: what a look at a fleet costs on the wire, counted.

const gateway = 'ssh-gw.guest.internal'
const names = Array.from({ length: 20 }, (_, n) => `device${String(n + 1).padStart(2, '0')}.lan.internal`)
const inventory = {
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  // One way in: on a busy machine a login that takes a second would get company from the other.
  devices: Object.fromEntries(
    names.map((name, n) => [name, { via: ['direct'], forwards: [`127.0.0.1:${9001 + n}:localhost:22`] }]),
  ),
}

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  expect((await it.provision([it.file], { timeoutMs: 180_000 })).code).toBe(0)
}, 300_000)
afterAll(() => it?.down())

/** Logins that the sshd of this machine has accepted so far. */
const accepted = async (name: string) =>
  Number((await it.lab.machine(name).sh('journalctl -q -u ssh | grep -c "Accepted publickey for user001" || :')).stdout)

test('a verify of 1 + 20 costs a connection and an exec for each host, and a proof for each forward', async () => {
  const hosts = [gateway, ...names]
  const before = await Promise.all(hosts.map(accepted))
  const { code, report } = await it.report(['verify', it.file])
  expect({ code, states: new Set(states(report)), forwards: report.forwards.length }).toEqual({
    code: 0,
    states: new Set(['ok']),
    forwards: 20,
  })
  // 21 looks, each a connection and an exec; 20 proofs, each a login through the gateway's connection and a no-op there.
  expect(report.wire).toEqual({ connections: 21 + 20, execs: 21 + 20 })
  // As the hosts themselves count it: one login at the gateway; at a device one direct, and one through its forward.
  const after = await Promise.all(hosts.map(accepted))
  expect(after.map((count, at) => count - (before[at] ?? 0))).toEqual([1, ...names.map(() => 2)])
})
