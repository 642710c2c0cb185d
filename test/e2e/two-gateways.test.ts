import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import { equip, outcomes, person, type Rehearsal, rehearse, states, verified } from './kit.ts'

// A device with a forward on each of two gateways, of which one dies, and then the other one.

const [north, south] = ['north.guest.internal', 'south.guest.internal']
const [device, client] = ['host-a.lan.internal', 'host001.guest.internal']
const forward = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
const inventory = (via: object = {}) => ({
  login: { user: 'user001' },
  gateways: { [north]: {}, [south]: {} },
  devices: { [device]: { forwards: [forward(north, 9101), forward(south, 9202)], ...via } },
  clients: { [client]: {} },
})

const keys: Record<string, string> = {
  [north]: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ',
  [south]: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBwkZRigUiXnCnRxmxTGkHsvSPdj914P6dayQXI+BKFA',
}

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory())
  const { code, stderr } = await it.provision([it.file])
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  await equip(it, client)
  // As from the guest network: nobody calls the LAN.
  await it.rewrite(inventory({ via: ['forward'] }))
})
afterAll(() => it?.down())

describe.each([
  [north, south],
  [south, north],
])('while %s is gone', (gone, there) => {
  beforeAll(() => it.lab.machine(gone).kill())
  afterAll(async () => {
    await it.lab.machine(gone).boot()
    await verified(it)
  })
  const run = (...words: string[]) => it.report([...words, '--timeout', '3'], { from: 'guest' })

  test('people log in as ever', async () => {
    const login = async () => {
      const { code, stdout } = await person(it.lab.machine(client), `ssh -o BatchMode=yes ${device} hostname`)
      return code === 0 ? stdout.trim() : undefined
    }
    expect(await until(login, { timeoutMs: 30_000, everyMs: 500 })).toBe(device)
  })

  test('`verify` reaches the device by its other forward, and says which gateway it misses', async () => {
    const { code, report, stderr } = await run('verify', it.file)
    expect({ code, hosts: outcomes(report).sort() }, stderr).toEqual({
      code: 3,
      hosts: [`${device} ok`, `${gone} unreachable`, `${there} ok`].sort(),
    })
    expect(report.hosts.find(({ name }) => name === device)?.via).toBe(`forward on ${there}`)
    expect(report.forwards.map(({ gateway, state }) => [gateway, state]).sort()).toEqual(
      [
        [gone, 'unverified'],
        [there, 'ok'],
      ].sort(),
    )
  })

  test('`status` says that it is there', async () => {
    const { stdout } = await it.provision(['status', it.file, '--timeout', '3'], { from: 'guest' })
    expect(stdout).toMatch(new RegExp(`^${device} +ok .* on ${there}`, 'm'))
    expect(stdout).toMatch(new RegExp(`^${device} +unverified .* on ${gone}`, 'm'))
  })

  test('what does not concern the dead gateway is changed on the device', async () => {
    await it.rewrite(inventory({ via: ['forward'], accounts: { user001: { authorizedKeys: [keys[gone]] } } }))
    const { report, stderr } = await run(it.file, '--limit', device)
    expect(outcomes(report), stderr).toEqual([`${device} changed`])
  })
})

test('with both of them again all is as written', async () => {
  const { code, report, stderr } = await it.report([it.file], { from: 'guest' })
  expect({ code, states: states(report) }, stderr).toEqual({ code: 0, states: ['ok', 'ok'] })
})
