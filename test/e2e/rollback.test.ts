import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { held, hold, holdingPlaybook, prepare, release } from './hold.ts'
import { outcomes, type Rehearsal, rehearse } from './kit.ts'
import { history, settled, stateOf } from './state-of.ts'

const gateway = 'ssh-gw.guest.internal'
const device = 'host-a.lan.internal'
const lockouts = ['allow-users', 'another-port', 'wrong-key', 'firewall', 'deaf'] as const
/** Their rollback is none. */
const unproved = ['no-way-back', 'left-behind'] as const
const cuts = ['cut-for-long', 'mended-late', 'mended-in-time'] as const
const names = [...lockouts, ...unproved, ...cuts, device, gateway]

let it: Rehearsal
let old: Map<string, string[]>
let lockout: Report
let cut: Report
let occupied: Report
const machine = (name: string) => it.lab.machine(name)
const only = (...hosts: readonly string[]) => hosts.flatMap((name) => ['--limit', name])
const patience = ['--confirm-within', '8']
const lockoutPlaybook = ['--playbook', new URL('playbooks/lockout.ts', import.meta.url).pathname]

beforeAll(async () => {
  it = await rehearse({
    login: { user: 'user001' },
    gateways: { [gateway]: {} },
    devices: {
      [device]: { forwards: ['127.0.0.1:9022:localhost:22'] },
      ...Object.fromEntries([...lockouts, ...unproved, ...cuts].map((name) => [name, {}])),
    },
  })
  // A first run that goes no further than the keys.
  await it.provision([it.file, ...only(device)])
  const stranger =
    'systemd-run --quiet --unit=stranger systemd-socket-activate --accept --inetd --listen=127.0.0.1:9022 cat'
  expect(await machine(gateway).sh(stranger)).toMatchObject({ code: 0, stderr: '' })
  await Promise.all(cuts.map((name) => prepare(machine(name))))
  old = new Map(await Promise.all(names.map(async (name) => [name, await stateOf(machine(name))] as const)))
  await Promise.all(cuts.map((name) => hold(machine(name), 'activate')))

  const runs = [
    it.report([it.file, ...only(...cuts), '--playbook', holdingPlaybook, ...patience]),
    it.report([it.file, ...only(...lockouts, ...unproved), ...lockoutPlaybook, ...patience]),
    it.report([it.file, ...only(gateway, device), ...patience]),
  ]
  await Promise.all(cuts.map((name) => held(machine(name), 'activate')))
  await Promise.all(cuts.map((name) => machine(name).cut()))
  await Promise.all(cuts.map((name) => release(machine(name))))
  await machine('mended-in-time').mend()
  await settled(machine('mended-late'))
  await machine('mended-late').mend()
  const reports = await Promise.all(runs)
  await machine('cut-for-long').mend()
  ;[cut, lockout, occupied] = reports.map(({ report }) => report) as [Report, Report, Report]
}, 240_000)
afterAll(() => it?.down())

const told = (report: Report, name: string) => {
  const host = report.hosts.find((each) => each.name === name)
  return `${host?.outcome}: ${host?.error?.message}`
}

test.each([
  ['allow-users', /^undone: the login as user001 was refused$/],
  ['another-port', /^undone: .*connection refused/],
  ['wrong-key', /^undone: the login as user001 was refused$/],
  ['firewall', /^undone: nobody confirmed within 8 s$/],
  ['deaf', /^undone: nobody confirmed within 8 s$/],
] as const)(
  'a change that locks us out by %s is undone by the host itself, and the report says why',
  async (name, why) => {
    expect(told(lockout, name)).toMatch(why)
    await settled(machine(name))
    expect(await stateOf(machine(name))).toEqual(old.get(name))
  },
)

test('a rollback after which no login gets in is not believed: what the report says to do at the console mends it', async () => {
  const name = 'no-way-back'
  expect(told(lockout, name)).toBe(
    'undo-failed: the login as user001 was refused\nit says that it is as before, but no login gets in any more: the login as user001 was refused',
  )
  expect(lockout.exitCode).toBe(3)
  await settled(machine(name))
  expect(await history(machine(name))).toEqual(['undone: the login as user001 was refused'])
  const hint = lockout.hosts.find((host) => host.name === name)?.error?.hint
  const [command] = /systemctl restart ssh/.exec(hint ?? '') ?? []
  expect((await machine(name).sh(`${command}`)).code).toBe(0)
  expect(await stateOf(machine(name))).toEqual(old.get(name))
})

test('a rollback that leaves something behind says what, holds the host, and is settled at the console', async () => {
  const name = 'left-behind'
  const left = 'not as before: something left behind'
  expect(told(lockout, name)).toBe(`undo-failed: the login as user001 was refused; and it could not be undone\n${left}`)
  const again = await it.report([it.file, ...only(name), ...lockoutPlaybook, ...patience])
  expect({ code: again.code, told: told(again.report, name) }).toEqual({
    code: 3,
    told: expect.stringMatching(
      /^undo-failed: nothing was changed here: an earlier change of root on .* could not be undone\nnot as before: something left behind$/,
    ),
  })
  const hint = again.report.hosts[0]?.error?.hint ?? ''
  const [, undo = ''] = /`sudo (sh \S+ undo)`/.exec(hint) ?? []
  const tried = await machine(name).sh(undo)
  expect({ code: tried.code, stderr: tried.stderr }).toEqual({
    code: 1,
    stderr: 'not as it was before:\nsomething left behind\n',
  })
  expect(await machine(name).sh(`rm /etc/left-behind; ${undo}`)).toMatchObject({ code: 0 })
  expect(await stateOf(machine(name))).toEqual(old.get(name))
})

test('a network that is cut in mid-change and stays so leaves the end unknown; the host has undone it by itself', async () => {
  const name = 'cut-for-long'
  expect(told(cut, name)).toMatch(/^unknown: the connection was lost .* it settles by itself by \d\d:\d\d:\d\d$/)
  expect(await history(machine(name))).toEqual(['undone: nobody confirmed within 8 s'])
  expect(await stateOf(machine(name))).toEqual(old.get(name))
})

test('a network that comes back after the deadline finds the change undone', async () => {
  expect(told(cut, 'mended-late')).toBe('undone: nobody confirmed within 8 s')
  expect(await stateOf(machine('mended-late'))).toEqual(old.get('mended-late'))
})

test('a network that comes back in time costs nothing', () => {
  expect(told(cut, 'mended-in-time')).toBe('changed: undefined')
})

test('a port that a stranger holds is refused with his name, before anything moves, and no device dials in vain', async () => {
  expect(told(occupied, gateway)).toMatch(
    /^rejected: ports: 127\.0\.0\.1:9022, .* is taken: systemd-socket\S* \(process \d+ of root, since /,
  )
  expect(occupied.exitCode).toBe(1)
  const tunnel = (state: readonly string[] = []) => state.filter((line) => /reverse-tunnel|tunnel-/.test(line))
  expect(tunnel(await stateOf(machine(gateway)))).toEqual(tunnel(old.get(gateway)))
  const { stdout } = await machine(device).sh('ls /etc/systemd/system; systemctl list-units --all "reverse-tunnel*"')
  expect(stdout).not.toContain('reverse-tunnel-')
})

test('once the causes are gone, the next run goes through, and the one after that finds nothing to do', async () => {
  await machine(gateway).sh('systemctl stop stranger')
  const { code, report } = await it.report([it.file, ...patience])
  expect({ code, states: report.forwards.map(({ state }) => state) }).toEqual({ code: 0, states: ['ok'] })
  const { report: again } = await it.report([it.file, ...patience])
  expect(outcomes(again)).toEqual([gateway, device, ...lockouts, ...unproved, ...cuts].map((name) => `${name} ok`))
  const held = [it.file, ...only(...cuts), '--playbook', holdingPlaybook, ...patience]
  expect((await it.report(held)).code).toBe(0)
  expect(outcomes((await it.report(held)).report)).toEqual(cuts.map((name) => `${name} ok`))
})
