import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes, picture, type Rehearsal, rehearse, states } from './kit.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const guest = { from: 'guest' }
const bySshd = { ...picture, gateways: { [gateway]: { listener: 'sshd' } } }
const moved = { ...picture, devices: { [device]: { forwards: ['127.0.0.1:9122:localhost:22'] } } }

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(picture)
  expect((await it.report([it.file])).code).toBe(0)
})
afterAll(() => it?.down())

const holder = async () =>
  (await it.lab.machine(gateway).sh(`ss -Hltnp 'sport = :9022' | grep -o '("[^"]*'`)).stdout.trim()

test('another listener is refused while its own forward is the only way to the device', async () => {
  await it.rewrite(bySshd)
  const { code, report } = await it.report([it.file], guest)
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} rejected`, `${device} ok`] })
  expect(report.hosts[0]?.error?.message).toMatch(/^listeners: host-a\.lan\.internal would get another "listener"/)
  expect(states(report)).toEqual(['ok'])
})

test('from where the device is reached directly it is sshd that opens the port, and then systemd again', async () => {
  expect(await holder()).toContain('("systemd')
  for (const [inventory, program] of [
    [bySshd, '("sshd'],
    [picture, '("systemd'],
  ] as const) {
    await it.rewrite(inventory)
    const { code, report, stderr } = await it.report([it.file])
    expect({ code, states: states(report), stderr: code === 0 ? '' : stderr }).toEqual({
      ...{ code: 0, states: ['ok'], stderr: '' },
    })
    expect(await holder()).toContain(program)
    expect(outcomes((await it.report([it.file])).report)).toEqual([`${gateway} ok`, `${device} ok`])
  }
})

test('a port that is moved in one run is not taken from a device that only it leads to', async () => {
  await it.rewrite(moved)
  const { code, report } = await it.report([it.file, '--timeout', '4'], guest)
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 3, hosts: [`${gateway} changed`, `${device} unreachable`] })
  await it.rewrite(picture)
  const before = await it.report(['verify', it.file], guest)
  expect({ states: states(before.report), device: before.report.hosts[1]?.outcome }).toEqual({
    states: ['ok'],
    device: 'ok',
  })
})

test('where it can be reached the port moves, and the old one is gone', async () => {
  await it.rewrite(moved)
  const { code, report } = await it.report([it.file])
  expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok'] })
  expect(await holder()).toBe('')
})
