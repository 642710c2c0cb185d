import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import type { Report } from '../../src/report/report.ts'
import { type Rehearsal, rehearse } from './kit.ts'

const forward = (gateway: string, port: number, listener = 'socket') => ({
  ...{ gateway, port, host: 'localhost', hostPort: 22, listener },
})
const inventory = (inner: object = {}) => ({
  login: { user: 'user001' },
  gateways: { gw1: {}, gw2: {} },
  devices: {
    near: { forwards: [forward('gw1', 9022)] },
    inner: { forwards: [forward('gw2', 9022, 'sshd')], ...inner },
    frozen: { forwards: [forward('gw1', 9023)] },
    left: { forwards: [forward('gw2', 9024)] },
  },
})

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory(), {
    suite: { gw1: 'trixie', gw2: 'bookworm', inner: 'bookworm', frozen: 'bullseye', left: 'bullseye' },
  })
  const { code, stderr } = await it.provision([it.file], { timeoutMs: 240_000 })
  if (code !== 0) throw new Error(stderr)
  await it.rewrite(inventory({ via: ['forward'] }))
  // Without nft there is another way to stop the packets.
  await inside('inner', 'mv $(command -v nft) /root/nft')
}, 300_000)
afterAll(() => it?.down())

async function inside(name: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await it.lab.machine(name).sh(script)
  if (code !== 0) throw new Error(`${name}: ${script}: ${stderr}`)
  return stdout.trim()
}

const left = `ls -d /run/provision-drill 2>/dev/null; systemctl list-units --all --plain --no-legend 'provision-drill*'
  nft list tables 2>/dev/null | grep drill; ip rule | grep blackhole; ip -6 rule | grep blackhole; :`
/** It may still be about to be taken away. */
const nothingLeft = (name: string, timeoutMs: number) =>
  until(async () => (await inside(name, left)) === '' || undefined, { timeoutMs, everyMs: 300 })
const drill = (name: string, ...words: string[]) =>
  it.report(['drill', it.file, '--device', name, '--yes', ...words], { timeoutMs: 200_000 })
const verdicts = ({ faults = [] }: Report) =>
  faults.map(({ name, verdict, error }) => [name, verdict, error?.message].filter(Boolean).join(' '))
const seconds = ({ faults = [] }: Report, name: string) => faults.find((fault) => fault.name === name)?.seconds ?? -1

test('it says what it would do, and does nothing unless it is told to', async () => {
  const { code, stderr } = await it.provision(['drill', it.file, '--device', 'near'])
  expect(code).toBe(2)
  expect(stderr).toContain('killing the ssh client of reverse-tunnel-gw1.service on near\n')
  expect(stderr).toContain('cutting near off from every network for 60 s\n')
  expect(stderr).toContain('restarting sshd on gw1, which frozen also dials\n')
  expect(stderr).toContain('add --yes')
  const wrong = await it.provision(['drill', it.file, '--device', 'near', '--yes', '--only', 'kill,fire'])
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--only fire: no such fault') })
}, 60_000)

test('where no timer can be armed that puts everything back, nothing is broken', async () => {
  const client = () => inside('left', 'systemctl show -P MainPID reverse-tunnel-gw2.service')
  const before = await client()
  await inside('left', 'mv $(command -v systemd-run) /root/systemd-run')
  const { code, report } = await drill('left', '--only', 'kill,freeze,network')
  await inside('left', 'mv /root/systemd-run /usr/bin/systemd-run')
  expect(code).toBe(1)
  for (const fault of report.faults ?? [])
    expect(fault).toMatchObject({
      verdict: 'untried',
      error: { message: expect.stringContaining('the timer that restores everything could not be started') },
    })
  expect([await client(), await inside('left', left)]).toEqual([before, ''])
}, 60_000)

test('a device that is not as written is left alone, and so is one that is drilled already', async () => {
  await inside('left', 'systemctl stop reverse-tunnel-gw2.service')
  const down = await drill('left', '--only', 'kill')
  expect(down.report.forwards.map(({ state }) => state)).toEqual(['no-tunnel'])
  expect({ code: down.code, verdicts: verdicts(down.report) }).toEqual({
    code: 1,
    verdicts: ['kill untried the device differs from the inventory, so the drill did not start'],
  })
  await inside('left', 'systemctl start reverse-tunnel-gw2.service && mkdir /run/provision-drill')
  await inside('left', 'systemd-run --quiet --collect --unit=provision-drill /bin/sleep 600')
  const busy = await drill('left', '--only', 'kill')
  expect({ code: busy.code, verdicts: verdicts(busy.report) }).toEqual({
    code: 1,
    verdicts: ['kill untried another drill is running on this host'],
  })
  // What one that was cut short has left is in nobody's way.
  await inside('left', 'systemctl stop provision-drill')
}, 60_000)

// Side by side, each with a device of its own: they wait more than they work.
test.concurrent('every promise is kept where systemd owns the port', async () => {
  const { code, report, stderr } = await drill('near', '--network-seconds', '20')
  expect(verdicts(report)).toEqual(['kill kept', 'freeze kept', 'network kept', 'sshd kept', 'port kept'])
  expect({ code, promised: report.faults?.map(({ promised }) => promised) }).toEqual({
    code: 0,
    promised: [10, 15, 20, 10, 10],
  })
  // The check needs two looks at a frozen client: who measures less has measured something else.
  expect(seconds(report, 'freeze')).toBeGreaterThan(3)
  expect(stderr).toContain(
    'freezing the ssh client of reverse-tunnel-gw1.service on near with SIGSTOP; promised: back within 15 s',
  )
  expect([await inside('near', left), await inside('gw1', left)]).toEqual(['', ''])
}, 200_000)

test.concurrent('every promise is kept where sshd owns the port, and the device is reached through its own forward alone', async () => {
  const { code, report } = await drill('inner', '--network-seconds', '10')
  expect(verdicts(report)).toEqual(['kill kept', 'freeze kept', 'network kept', 'sshd kept', 'port kept'])
  expect({ code, via: report.hosts.map(({ via }) => via) }).toEqual({ code: 0, via: ['direct', 'forward'] })
  expect([await inside('inner', left), await inside('gw2', left)]).toEqual(['', ''])
}, 200_000)

test.concurrent('a device that does not come back is told, and put back by itself', async () => {
  await inside('frozen', 'systemctl kill --signal=STOP reverse-tunnel-gw1-check.service')
  const client = await inside('frozen', 'systemctl show -P MainPID reverse-tunnel-gw1.service')
  const { code, report } = await drill('frozen', '--only', 'freeze,network')
  expect({ code, verdicts: verdicts(report) }).toEqual({
    code: 1,
    verdicts: [
      'freeze never the device did not answer again within 35 s',
      'network untried the drill ended before this fault',
    ],
  })
  expect(report.faults?.[0]?.error?.hint).toContain('by itself 45 s after the fault began')
  const state = () => inside('frozen', `cut -d ' ' -f 3 /proc/${client}/stat`)
  expect(await state()).toBe('T')
  const thawed = async () => (await state()) !== 'T' || undefined
  expect(await until(thawed, { timeoutMs: 30_000, everyMs: 300 })).toBe(true)
  expect(await nothingLeft('frozen', 5_000)).toBe(true)
}, 200_000)

test.concurrent('a device whose drill was killed in the middle comes back', async () => {
  const words = ['drill', it.file, '--device', 'left', '--yes', '--only', 'network', '--network-seconds', '15']
  const child = it.spawn(words)
  const isCut = async () => ((await inside('left', left)).includes('table inet provision_drill') ? true : undefined)
  expect(await until(isCut, { timeoutMs: 30_000, everyMs: 200 })).toBe(true)
  child.kill('SIGKILL')
  const state = async () =>
    (await it.report(['verify', it.file, '--limit', 'left', '--timeout', '3'])).report.forwards[0]?.state
  expect(await state()).not.toBe('ok')
  const isBack = async () => (await state()) === 'ok' || undefined
  expect(await until(isBack, { timeoutMs: 60_000, everyMs: 1000 })).toBe(true)
  expect(await nothingLeft('left', 60_000)).toBe(true)
}, 200_000)
