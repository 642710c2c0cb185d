import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'
import { mustRun } from './must-run.ts'

const [gateway, a, b] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-b.lan.internal'] as const
const door = (port: number, listener: string) => ({ port, host: 'localhost', hostPort: 22, listener })
const inventory = {
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: { [a]: { forwards: [door(9022, 'socket')] }, [b]: { forwards: [door(9023, 'sshd')] } },
}
/** As somebody does who edits the file and knows where the machine is. */
const byHand = (from: string, to: string, more: Record<string, unknown> = {}) => ({
  ...inventory,
  devices: Object.fromEntries(
    Object.entries(inventory.devices).map(([name, device]) =>
      name === from ? [to, { ...more, ...device }] : [name, device],
    ),
  ),
})

let it: Rehearsal
let text: string
beforeAll(async () => {
  it = await rehearse(inventory)
  expect((await it.report([it.file])).code).toBe(0)
  text = await readFile(it.file, 'utf8')
})
afterAll(() => it?.down())

const on = (name: string, script: string) => mustRun(it.lab.machine(name), script)
/** All that belongs to the tunnels of both devices: what was made, and since when it runs. */
const standing = async () => ({
  accounts: await on(gateway, 'getent passwd | grep tunnel'),
  files: await on(
    gateway,
    'cd /etc && sha256sum ssh/reverse-tunnel/authorized_keys ssh/reverse-tunnel/keys/* systemd/system/reverse-tunnel-*',
  ),
  runs: await Promise.all(
    [a, b].map((name) => on(name, `systemctl show -P InvocationID reverse-tunnel-${gateway}.service`)),
  ),
})
const both = async (...words: readonly string[]) => {
  const all = []
  for (const from of ['lan', 'guest']) {
    const { code, report } = await it.report([...words], { from })
    all.push({ code, hosts: outcomes(report).sort(), states: states(report) })
  }
  return all
}
const ok = (...names: readonly string[]) => {
  const one = { code: 0, hosts: [gateway, ...names].map((name) => `${name} ok`).sort(), states: ['ok', 'ok'] }
  return [one, one]
}

describe.each([
  [a, 'roof.lan.internal', b],
  [b, 'cellar.lan.internal', a],
])('%s becomes %s', (from, to, other) => {
  let before: Awaited<ReturnType<typeof standing>>
  beforeEach(async () => {
    before = await standing()
  })

  test('by the command: nothing of its tunnel moves, from the LAN and from the guest side', async () => {
    const renamed = await it.provision(['rename', it.file, from, to])
    expect(renamed).toMatchObject({ code: 0, stderr: `next: provision verify ${it.file} --limit ${to}\n` })
    expect(renamed.stdout).toContain(`${from} is now called ${to}; its gateways still know it as ${from}`)
    expect(await both(it.file)).toEqual(ok(to, other))
    expect(await both('verify', it.file)).toEqual(ok(to, other))
    expect(await standing()).toEqual(before)
    expect(await it.provision(['rename', it.file, from, to])).toMatchObject({ code: 0 })
  })

  test('what asks its gateway for it finds it there', async () => {
    expect(await it.provision(['doctor', it.file, '--device', to])).toMatchObject({ code: 0 })
    expect(await it.provision(['status', it.file])).toMatchObject({ code: 0, stdout: expect.stringContaining(to) })
  })

  test('and back', async () => {
    expect(await it.provision(['rename', it.file, to, from])).toMatchObject({ code: 0 })
    expect(await readFile(it.file, 'utf8')).toBe(text)
    expect(await both(it.file)).toEqual(ok(from, other))
    expect(await standing()).toEqual(before)
  })

  test.each([
    ['lan', { address: from }],
    ['guest', {}],
  ])('by hand: refused before anything is touched, seen from %s, and the command mends it', async (side, more) => {
    await it.rewrite(byHand(from, to, more))
    for (const words of [['--trust-first'], ...(side === 'lan' ? [['--transport', 'openssh']] : [])]) {
      const { code, report } = await it.report([it.file, ...words], { from: side })
      expect({ code, hosts: outcomes(report).sort() }).toEqual({
        code: 3,
        hosts: [`${gateway} rejected`, `${other} ok`, `${to} unreachable`].sort(),
      })
      for (const name of [gateway, to]) {
        const error = report.hosts.find((host) => host.name === name)?.error
        expect(error?.hint).toContain(`provision rename ${it.file} ${from} ${to}\``)
      }
    }
    const trusted = await it.provision(['trust', it.file, '--yes'], { from: side })
    expect(trusted).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`provision rename ${it.file} ${from} ${to}\``),
    })
    expect(await standing()).toEqual(before)

    expect(await it.provision(['rename', it.file, from, to])).toMatchObject({ code: 0 })
    expect(await both(it.file)).toEqual(ok(to, other))
    expect(await both('verify', it.file)).toEqual(ok(to, other))
    expect(await standing()).toEqual(before)

    expect(await it.provision(['rename', it.file, to, from])).toMatchObject({ code: 0 })
    await it.rewrite(inventory)
    expect(await both(it.file)).toEqual(ok(from, other))
  })
})

test('an interrupted rename is brought to its end by the same command', async () => {
  const to = 'roof.lan.internal'
  // The inventory is written, and the pins are not.
  await it.rewrite(byHand(a, to, { address: a, knownAs: a }))
  expect((await it.report([it.file])).report.hosts.find(({ name }) => name === to)?.error?.hint).toContain(
    `provision rename ${it.file} ${a} ${to}\``,
  )
  expect(await it.provision(['rename', it.file, a, to])).toMatchObject({ code: 0 })
  expect(await both(it.file)).toEqual(ok(to, b))
  // The way back: the pins are written, and the inventory is not.
  expect(await it.provision(['rename', it.file, to, a])).toMatchObject({ code: 0 })
  await it.rewrite(byHand(a, to, { address: a, knownAs: a }))
  expect(await it.provision(['rename', it.file, to, a])).toMatchObject({ code: 0 })
  expect(await both(it.file)).toEqual(ok(a, b))
})

test('a device that is taken away under its new name leaves nothing of its old one', async () => {
  const to = 'cellar.lan.internal'
  expect(await it.provision(['rename', it.file, b, to])).toMatchObject({ code: 0 })
  expect(await it.provision(['remove', it.file, '--device', to])).toMatchObject({ code: 0 })
  const left = await on(gateway, `grep -rl '${b}\\|${to}' /etc/ssh/reverse-tunnel /etc/systemd/system || :`)
  expect(left).toBe('')
})
