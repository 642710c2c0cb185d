import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { devicesCalled, held, hold, holdingPlaybook, prepare, release } from './hold.ts'
import { outcomes, picture, place, type Rehearsal, rehearse, states, verified } from './kit.ts'
import { history, settled, stateOf } from './state-of.ts'

/** `cp -a LINK` of uutils coreutils (0.0.30) gives what the link points at the mode of the link. */
const otherCp = `#!/bin/sh
if [ "$1" = -a ] && [ -L "$2" ]; then chmod 700 "$(readlink -f "$2")"; fi
exec /usr/bin/cp "$@"
`

describe('undo', () => {
  const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal'] as const
  const more = {
    ...picture,
    devices: { [device]: { forwards: ['127.0.0.1:9022:localhost:22', '127.0.0.1:9080:localhost:80'] } },
  }
  const patience = ['--confirm-within', '8']
  let it: Rehearsal
  let old: string[][]
  let first: string[][]
  const both = () => Promise.all([gateway, device].map((name) => stateOf(it.lab.machine(name))))
  const undo = (...words: string[]) => ['undo', it.file, ...patience, ...words]
  beforeAll(async () => {
    it = await rehearse(picture)
    await place(it.lab.machine(gateway), { path: '/usr/local/sbin/cp', text: otherCp })
    await it.lab.machine(gateway).sh('chmod 755 /usr/local/sbin/cp')
    old = await both()
    expect((await it.report([it.file])).code).toBe(0)
    first = await both()
  })
  afterAll(() => it?.down())

  test('--check shows which run would be taken back where, ends with 4, and touches nothing', async () => {
    const { code, stdout } = await it.provision(undo('--check'))
    expect(code).toBe(4)
    expect(stdout).toMatch(
      new RegExp(`${device}: undo run \\d{14}-\\w+ of root on \\S+, process \\d+, since \\d{4}-\\d\\d-\\d\\d \\d\\d:`),
    )
    const words = 'remove again \\(undo of: write .*, enable .*, start '
    expect(stdout).toMatch(new RegExp(`  - ${device}: systemd-units reverse-tunnel-\\*: ${words}`))
    expect(stdout).toMatch(/\d to add, \d to change, \d+ to remove on 2 hosts\n/)
    expect(stdout).toMatch(/checked, nothing was touched: 2 differs, [\d.]+ s\n$/)
    expect(await both()).toEqual(first)
  })

  test('of a change of the tunnel goes through that tunnel, and is confirmed through it', async () => {
    await it.rewrite(more)
    const { report: done } = await it.report([it.file], { from: 'guest' })
    expect(done.hosts[1]).toMatchObject({ outcome: 'changed', via: 'forward' })
    const { code, report } = await it.report(undo(), { from: 'guest' })
    expect({ code, command: report.command, hosts: outcomes(report), via: report.hosts[1]?.via }).toEqual({
      code: 0,
      command: 'undo',
      hosts: [`${gateway} changed`, `${device} changed`],
      via: 'forward',
    })
    expect(states(report)).toEqual(['ok', 'no-tunnel'])
    expect(await both()).toEqual(first)
  })

  test('of the first run would cut the way that we came: the host puts back what it has', async () => {
    const { code, report } = await it.report(undo(), { from: 'guest' })
    expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} rejected`, `${device} undone`] })
    expect(report.hosts[0]?.error?.message).toBe(`not undone, as this gateway may be the only route to ${device}`)
    expect(await both()).toEqual(first)
    await it.rewrite(picture)
    expect(states(await verified(it))).toEqual(['ok'])
  })

  test('is refused where somebody has changed something since, and names it', async () => {
    const unit = '/etc/systemd/system/reverse-tunnel-ssh-gw.guest.internal.service'
    await it.lab.machine(device).sh(`cp -a ${unit} /root/kept && echo '# by hand' >>${unit}`)
    const { code, report } = await it.report(undo())
    await it.lab.machine(device).sh(`mv /root/kept ${unit} && systemctl daemon-reload`)
    expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} rejected`, `${device} rejected`] })
    expect(report.hosts[1]?.error).toEqual({
      message: `changed since that run: systemd-units reverse-tunnel-*`,
      hint: 'put that back by hand, or change the inventory to what you want and run it',
    })
    expect(await both()).toEqual(first)
  })

  test('waits for a host that does not answer, as it may hold a newer run', async () => {
    await it.lab.machine(device).cut()
    const { code, report } = await it.report(undo('--timeout', '2'))
    await it.lab.machine(device).mend()
    expect({ code, hosts: outcomes(report) }).toEqual({
      code: 3,
      hosts: [`${gateway} rejected`, `${device} unreachable`],
    })
    const run = /--run (\S+)$/.exec(report.hosts[0]?.error?.hint ?? '')?.[1]
    expect(report.hosts[0]?.error?.message).toBe(`${device} did not answer, and may hold a newer run than ${run}`)
    await verified(it)
  })

  test('of the first run leaves both hosts byte for byte as they were before it', async () => {
    const { code, report } = await it.report(undo())
    expect({ code, hosts: outcomes(report), errors: report.hosts.map(({ error }) => error) }).toEqual({
      code: 0,
      hosts: [`${gateway} changed`, `${device} changed`],
      errors: [undefined, undefined],
    })
    expect(await both()).toEqual(old)
  })

  test('leaves /dev/null to everybody, whatever its cp does with a link to it', async () => {
    expect((await it.lab.machine(gateway).sh('stat -c %a /dev/null')).stdout).toBe('666\n')
  })

  test('has nothing more to undo then, and says so', async () => {
    const { code, report } = await it.report(undo())
    expect({ code, hosts: outcomes(report), error: report.hosts[0]?.error?.message }).toEqual({
      code: 1,
      hosts: [`${gateway} rejected`, `${device} rejected`],
      error: 'there is nothing to undo: no confirmed run is kept here',
    })
  })

  test('leaves nothing in the way of the next run', async () => {
    const { code, report } = await it.report([it.file])
    expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok'] })
    expect(await both()).toEqual(first)
  })

  test('of a rotation gives the device its former key back, and the gateway lets that one in again', async () => {
    const key = async () => (await it.lab.machine(device).sh('cat /etc/reverse-tunnel/id_ed25519.pub')).stdout
    const former = await key()
    expect((await it.report(['rotate', it.file])).code).toBe(0)
    expect(await key()).not.toBe(former)
    const { report } = await it.report(undo())
    expect({ hosts: outcomes(report), errors: report.hosts.map(({ error }) => error) }).toEqual({
      hosts: [`${gateway} changed`, `${device} changed`],
      errors: [undefined, undefined],
    })
    // The tunnel dials again by itself.
    expect(states(await verified(it))).toEqual(['ok'])
    expect([await key(), await both()]).toEqual([former, first])
  })
})

describe('an undo that is cut short', () => {
  const names = ['admin-dies', 'power-goes', 'goes-well'] as const
  const machine = (name: string) => it.lab.machine(name)
  const options = ['--confirm-within', '5']
  let it: Rehearsal
  let old: Map<string, string[]>
  let made: Map<string, string[]>
  const all = async () =>
    new Map(await Promise.all(names.map(async (name) => [name, await stateOf(machine(name))] as const)))
  beforeAll(async () => {
    it = await rehearse(devicesCalled(names))
    await Promise.all(names.map((name) => prepare(machine(name))))
    old = await all()
    const { report } = await it.report([it.file, '--playbook', holdingPlaybook])
    expect(outcomes(report)).toEqual(names.map((name) => `${name} changed`))
    await Promise.all(
      names.map((name) =>
        machine(name).sh('echo precious >/home/newcomer/letter; chown newcomer: /home/newcomer/letter'),
      ),
    )
    made = await all()
    await Promise.all(names.map((name) => hold(machine(name), 'undo')))
    const run = it.spawn(['undo', it.file, ...options])
    await Promise.all(names.map((name) => held(machine(name), 'undo')))
    await machine('power-goes').kill()
    run.kill('SIGKILL')
    await once(run, 'exit')
    await machine('power-goes').boot()
    await Promise.all(names.map((name) => release(machine(name))))
    await Promise.all(names.map((name) => settled(machine(name))))
  })
  afterAll(() => it?.down())

  test.each(['admin-dies', 'power-goes'] as const)('because %s: the host is wholly what it was', async (name) => {
    expect(await stateOf(machine(name))).toEqual(made.get(name))
    expect((await machine(name).sh('cat /home/newcomer/letter; systemctl is-active e2e.service')).stdout).toBe(
      'precious\nactive\n',
    )
    expect((await history(machine(name))).at(-1)).toBe(
      name === 'power-goes' ? 'undone: the power went before it was confirmed' : 'undone: nobody confirmed within 5 s',
    )
  })

  test('can be asked for again, and keeps what people had put into the home of an account that goes', async () => {
    const { code, report } = await it.report(['undo', it.file, ...options])
    expect({ code, hosts: outcomes(report) }).toEqual({ code: 0, hosts: names.map((name) => `${name} changed`) })
    expect(await all()).toEqual(old)
    const { stdout } = await machine('goes-well').sh('cat /var/lib/provision/history/*/homes/newcomer/letter')
    expect(stdout).toBe('precious\n')
  })
})
