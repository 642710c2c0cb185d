import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes, picture, type Rehearsal, rehearse, states } from './kit.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal'] as const
const jails = '/etc/tmpfiles.d/reverse-tunnel.conf'

let it: Rehearsal
let file: string
beforeAll(async () => {
  it = await rehearse(picture)
  file = join(it.folder, 'plan.json')
})
afterAll(() => it?.down())

const plan = async () => {
  const { code, report } = await it.report([it.file, '--check', '--out', file])
  return { code, report, written: JSON.parse(await readFile(file, 'utf8')) }
}
const apply = () => it.report(['apply', file])
const inside = async (name: string, script: string) => (await it.lab.machine(name).sh(script)).stdout

test('a plan holds what the --check showed, host by host, and who would be away how long', async () => {
  const { code, report, written } = await plan()
  expect(code).toBe(4)
  expect(written).toMatchObject({ version: 1, inventory: 'inventory.json', limit: [], hosts: report.hosts })
  expect(report.hosts.map(({ changes }) => changes.length > 2)).toEqual([true, true])
  // There is no tunnel yet that could be interrupted.
  expect(report.away).toEqual([{ device, seconds: 0, undone: 0 }])
})

test('where a host has moved since, nothing is touched anywhere, and the difference is told', async () => {
  await inside(gateway, `echo 'd /run/reverse-tunnel 0700 root root' >${jails}`)
  const { code, report } = await apply()
  expect({ code, hosts: outcomes(report), forwards: report.forwards }).toEqual({
    code: 4,
    hosts: [`${gateway} differs`, `${device} differs`],
    forwards: [],
  })
  expect(report.hosts[0]?.error?.message).toBe(`file ${jails}: planned was "write", needed is "rewrite"`)
  expect(report.hosts[0]?.error?.hint).toBe('nothing was touched; make a new plan with --check --out, and look at it')
  expect(report.hosts[1]?.error).toBeUndefined()
  expect(await inside(gateway, 'getent passwd | grep -c ^tunnel- || :')).toBe('0\n')
  expect(await inside(device, 'ls -d /etc/reverse-tunnel /var/lib/provision/history 2>/dev/null || :')).toBe('')
  const { stdout } = await it.provision(['apply', file])
  expect(stdout).toMatch(/\nnothing was touched: 2 differs, [\d.]+ s\n$/)
})

test('what is as it was when the plan was made gets exactly that plan', async () => {
  await inside(gateway, `rm ${jails}`)
  const { code, report } = await apply()
  expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${device} changed`],
    states: ['ok'],
  })
})

test('a plan is good for one time', async () => {
  const { code, report } = await apply()
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 4, hosts: [`${gateway} differs`, `${device} differs`] })
  expect(report.hosts[1]?.error?.message).toContain('needed is nothing')
})

test('a plan of nothing may be applied as often as one likes, and proves every forward', async () => {
  expect((await plan()).code).toBe(0)
  const { code, report } = await apply()
  expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${gateway} ok`, `${device} ok`],
    states: ['ok'],
  })
})

test('the plan says how long a device may be away, and for how long where the change has to be undone', async () => {
  await it.rewrite({ ...picture, devices: { [device]: { ...picture.devices[device], recoverWithin: 12 } } })
  const { code, report } = await plan()
  const [promise] = report.recoveries
  const seconds = promise?.powerCut ?? 0
  expect(seconds).toBeGreaterThan(3)
  expect({ code, away: report.away }).toEqual({ code: 4, away: [{ device, seconds, undone: seconds + 30 + 60 }] })
  const { stdout } = await it.provision([it.file, '--check'])
  expect(stdout).toContain(
    `${device}: the tunnel is down for at most ${seconds} s during the change, ${seconds + 90} s if the change has to be undone\n`,
  )
  expect((await apply()).code).toBe(0)
})

test('a device that was away when the plan was made is not changed by it', async () => {
  await it.rewrite(picture)
  await it.lab.machine(device).cut()
  const { code, report } = await it.report([it.file, '--check', '--out', file, '--timeout', '3'])
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 3, hosts: [`${gateway} ok`, `${device} unreachable`] })
  await it.lab.machine(device).mend()
  const later = await apply()
  expect({ code: later.code, hosts: outcomes(later.report) }).toEqual({
    code: 4,
    hosts: [`${gateway} ok`, `${device} differs`],
  })
  expect(later.report.hosts[1]?.error?.message).toBe(
    'could not be looked at when the plan was made, and has to be changed',
  )
})
