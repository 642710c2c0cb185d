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
  expect(report.hosts[0]?.error?.message).toMatch(
    /^ports: host-a\.lan\.internal has 127\.0\.0\.1:9022 open on this gateway, and /,
  )
  expect(report.hosts[0]?.error?.hint).toContain(`provision ${it.file} --step-aside host-a.lan.internal`)
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

test('a port moves from outside in one run: the new one opens beside the old one, which goes when the new one answers', async () => {
  await it.rewrite(moved)
  const { code, report } = await it.report([it.file, '--timeout', '4'], guest)
  expect({ code, hosts: outcomes(report), via: report.hosts[1]?.via, states: states(report) }).toEqual({
    ...{ code: 0, hosts: [`${gateway} changed`, `${device} changed`], states: ['ok'] },
    via: `former forward 127.0.0.1:9022 on ${gateway}`,
  })
  expect(await holder()).toBe('')
  const again = await it.report([it.file], guest)
  expect({ code: again.code, hosts: outcomes(again.report) }).toEqual({
    code: 0,
    hosts: [`${gateway} ok`, `${device} ok`],
  })
})

test('and back again, from where it is reached directly', async () => {
  await it.rewrite(picture)
  const { code, report } = await it.report([it.file])
  expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok'] })
  expect(await holder()).toContain('("systemd')
  expect((await it.lab.machine(gateway).sh('ss -Hltn')).stdout).not.toContain('127.0.0.1:9122')
})
