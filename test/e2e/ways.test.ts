import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { outcomes, person, type Rehearsal, rehearse, states } from './kit.ts'

const [gw1, gw2] = ['ssh-gw1.guest.internal', 'ssh-gw2.guest.internal'] as const
const [a, b] = ['host-a.lan.internal', 'host-b.lan.internal'] as const
const someone = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFk3P/eRoTcteB+c+zqEJXX0v6qvz9J95bgxaaN0Qap4 someone'

const door = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
const inventory = {
  login: { user: 'user001' },
  gateways: { [gw1]: {}, [gw2]: { tunnelAccount: 'tunnel-in' } },
  devices: {
    [a]: { forwards: [door(gw1, 9101), door(gw2, 9101)] },
    [b]: { forwards: [door(gw2, 9102)] },
  },
}

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
})
afterAll(() => it?.down())

const guest = { from: 'guest' }
const vias = ({ hosts }: Report) => hosts.map(({ via }) => via)
const bootId = async (unit: string) =>
  (await it.lab.machine(a).sh(`systemctl show -p InvocationID --value reverse-tunnel-${unit}.service`)).stdout

test('a device without a tunnel cannot be reached from the guest network; the gateways are done all the same', async () => {
  const { code, report } = await it.report([it.file, '--timeout', '2'], guest)
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 3,
    hosts: [`${gw1} changed`, `${gw2} changed`, `${a} unreachable`, `${b} unreachable`],
  })
  expect(report.hosts[2]?.error?.message).toMatch(/direct: .*; forward on .*: .*; forward on .*: /)
})

test('from the LAN two gateways and two devices are made in one run', async () => {
  const { code, report } = await it.report([it.file])
  expect({ code, states: states(report), via: vias(report) }).toEqual({
    code: 0,
    states: ['ok', 'ok', 'ok'],
    via: ['direct', 'direct', 'direct', 'direct'],
  })
  expect(new Set(report.hosts.map(({ outcome }) => outcome))).toEqual(new Set(['changed']))
})

test('from the guest network a second run comes through the forwards and has nothing to do', async () => {
  const { code, report } = await it.report([it.file], guest)
  expect({ code, hosts: outcomes(report), via: vias(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${gw1} ok`, `${gw2} ok`, `${a} ok`, `${b} ok`],
    via: ['direct', 'direct', `forward on ${gw1}`, 'forward'],
    states: ['ok', 'ok', 'ok'],
  })
  expect((await it.report(['verify', it.file], guest)).code).toBe(0)
})

test('--limit leaves the others alone, and a pattern that nobody has is a mistake', async () => {
  const { code, report } = await it.report([it.file, '--limit', 'host-b*'], guest)
  expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${b} ok`],
    states: ['ok'],
  })
  const typo = await it.provision([it.file, '--limit', 'host-c*'], guest)
  expect(typo).toMatchObject({
    code: 2,
    stdout: '',
    stderr:
      'provision: error: --limit host-c*: no host of that name\n' +
      `provision: hint: the hosts are ${gw1}, ${gw2}, ${a}, ${b}\n`,
  })
})

test('a key for an account is added from the guest network', async () => {
  const accounts = { user001: { authorizedKeys: [someone] } }
  await it.rewrite({ ...inventory, devices: { ...inventory.devices, [a]: { ...inventory.devices[a], accounts } } })
  const { code, report } = await it.report([it.file], guest)
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 0,
    hosts: [`${gw1} ok`, `${gw2} ok`, `${a} changed`, `${b} ok`],
  })
  expect(report.hosts[2]?.via).toBe(`forward on ${gw1}`)
  const { stdout } = await it.lab.machine(a).sh('cat /home/user001/.ssh/authorized_keys')
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringContaining('provision-lab'),
    expect.stringMatching(`^${someone.replaceAll('+', '[+]')} provision [a-z0-9]+$`),
  ])
})

test('the very tunnel that we came through is changed, and the change is confirmed through it', async () => {
  const before = await bootId(gw1)
  const forwards = [...inventory.devices[a].forwards, door(gw1, 9103)]
  const accounts = { user001: { authorizedKeys: [someone] } }
  await it.rewrite({ ...inventory, devices: { ...inventory.devices, [a]: { forwards, accounts } } })
  const { code, report } = await it.report([it.file], guest)
  expect({ code, hosts: outcomes(report), states: states(report), error: report.hosts[2]?.error }).toEqual({
    code: 0,
    hosts: [`${gw1} changed`, `${gw2} ok`, `${a} changed`, `${b} ok`],
    states: ['ok', 'ok', 'ok', 'ok'],
    error: undefined,
  })
  expect(report.hosts[2]).toMatchObject({
    via: `forward on ${gw1}`,
    changes: [
      {
        resource: 'systemd-units reverse-tunnel-*',
        summary: `write reverse-tunnel-${gw1}.service, restart reverse-tunnel-${gw1}.service`,
      },
    ],
  })
  expect(await bootId(gw1)).not.toBe(before)
  const key = '/home/user001/.ssh/authorized_keys'
  expect((await person(it.lab.machine(a), `grep -c AAAA ${key}`)).stdout, 'keys that others put there stay').toBe('2\n')
  const again = await it.report([it.file], guest)
  expect(new Set(again.report.hosts.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
})

test('a forward taken away is taken away on both ends, through the forwards, by the ssh of this machine', async () => {
  await it.rewrite(inventory)
  const { code, report } = await it.report([it.file, '--transport', 'openssh'], guest)
  expect({ code, hosts: outcomes(report), via: vias(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${gw1} changed`, `${gw2} ok`, `${a} changed`, `${b} ok`],
    // The second way is tried where the first takes longer than a second, as it may on a busy machine.
    via: ['direct', 'direct', expect.stringMatching(`^forward on (${gw1}|${gw2})$`), 'forward'],
    states: ['ok', 'ok', 'ok'],
  })
  const { stdout } = await it.lab.machine(gw1).sh(`ss -Hltn; ls /etc/systemd/system`)
  expect(stdout).toContain('9101')
  expect(stdout).not.toContain('9103')
})

test('where a gateway is gone, the other one and all devices finish', async () => {
  await it.lab.machine(gw2).kill()
  const { code, report } = await it.report([it.file, '--timeout', '2'])
  expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
    code: 3,
    hosts: [`${gw1} ok`, `${gw2} unreachable`, `${a} ok`, `${b} ok`],
    states: ['ok', 'unverified', 'unverified'],
  })
  expect(report.forwards[1]?.error?.message).toContain(`${gw2} could not be asked`)
})

test('where a device is gone, the others finish', async () => {
  await it.lab.machine(b).kill()
  const accounts = { user002: { authorizedKeys: [someone] } }
  await it.rewrite({ ...inventory, devices: { ...inventory.devices, [a]: { ...inventory.devices[a], accounts } } })
  const { code, report } = await it.report([it.file, '--timeout', '2'])
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 3,
    hosts: [`${gw1} ok`, `${gw2} unreachable`, `${a} changed`, `${b} unreachable`],
  })
  expect(report.hosts[3]?.error?.message).toContain('no route worked')
})
