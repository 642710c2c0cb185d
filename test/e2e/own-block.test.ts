import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { DoctorReport } from '../../src/report/doctor/doctor.ts'
import type { Report } from '../../src/report/report.ts'
import { outcomes, type Rehearsal, rehearse, states, verified } from './kit.ts'
import { mustRun } from './must-run.ts'

// The admin has done what the README says, `ssh-config --write`: since then plain `ssh DEVICE` goes through the tunnel.

const gateway = 'ssh-gw.guest.internal'
const [a, b] = ['host-a.lan.internal', 'host-b.lan.internal'] as const
const inventory = (port = 9022, more: object = {}) => ({
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: {
    [a]: { forwards: [`127.0.0.1:${port}:localhost:22`], ...more },
    [b]: { forwards: ['127.0.0.1:9023:localhost:22'] },
  },
})

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory())
  const { code, stderr } = await it.provision([it.file])
  if (code !== 0) throw new Error(stderr)
  await write()
})
afterAll(() => it?.down())

async function write() {
  const { code, stderr } = await it.provision(['ssh-config', it.file, '--write'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
}

const guest = { from: 'guest' }
const viaOf = ({ hosts }: Report, name: string = a) => hosts.find((host) => host.name === name)?.via
const inside = (name: string, script: string) => mustRun(it.lab.machine(name), script)
const doctor = async (options: Parameters<Rehearsal['provision']>[1] = {}) => {
  const { stdout } = await it.provision(['doctor', it.file, '--device', a, '--json', '--timeout', '5'], options)
  return JSON.parse(stdout) as DoctorReport
}

test('plain ssh really goes through the tunnel now', async () => {
  const { stdout } = await it.lab.run(['ssh', '-G', a])
  expect(stdout).toMatch(/^hostname 127\.0\.0\.1$/m)
  expect(stdout).toMatch(/^port 9022$/m)
  expect(stdout).toMatch(new RegExp(`^proxyjump ${gateway}$`, 'm'))
  const login = await it.lab.run(['ssh', '-o', 'BatchMode=yes', a, 'echo $SSH_CONNECTION'])
  expect(login.stdout, login.stderr).toMatch(/^(127\.0\.0\.1|::1) /)
})

describe.each(['node-ssh', 'openssh'])('over %s', (transport) => {
  const words = ['--transport', transport]

  test('from the LAN a run comes directly, from the guest network through the forward', async () => {
    const near = await it.report([it.file, ...words])
    expect({ code: near.code, via: [a, b].map((name) => viaOf(near.report, name)) }).toEqual({
      code: 0,
      via: ['direct', 'direct'],
    })
    const far = await it.report([it.file, ...words, '--timeout', '5'], guest)
    expect({ code: far.code, via: [a, b].map((name) => viaOf(far.report, name)) }, far.stderr).toEqual({
      code: 0,
      via: ['forward', 'forward'],
    })
  })

  test('`doctor` says by which way it has reached the device', async () => {
    const report = await doctor()
    expect({ via: report.via, exitCode: report.exitCode }).toEqual({ via: 'direct', exitCode: 0 })
    expect((await doctor(guest)).via).toBe('forward')
    const { stdout } = await it.provision(['doctor', it.file, '--device', a, ...words])
    expect(stdout).toContain(`${a} was reached directly`)
  })

  test('with the tunnel dead, the device is still reached from the LAN, and put right', async () => {
    await inside(a, 'systemctl disable --now reverse-tunnel-ssh-gw.guest.internal.service')
    expect((await doctor()).via).toBe('direct')
    const far = await it.report([it.file, ...words, '--timeout', '3'], guest)
    expect(outcomes(far.report)).toContain(`${a} unreachable`)
    const { code, report, stderr } = await it.report([it.file, ...words])
    expect({ code, hosts: outcomes(report), via: viaOf(report), states: states(report) }, stderr).toEqual({
      code: 0,
      hosts: [`${gateway} ok`, `${a} changed`, `${b} ok`],
      via: 'direct',
      states: ['ok', 'ok'],
    })
  })
})

test('the port of a forward is changed from the LAN, in one run', async () => {
  await it.rewrite(inventory(9122))
  const { code, report, stderr } = await it.report([it.file])
  expect({ code, hosts: outcomes(report), via: viaOf(report), states: states(report) }, stderr).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${a} changed`, `${b} ok`],
    via: 'direct',
    states: ['ok', 'ok'],
  })
  // The block still says 9022, where nobody is any more.
  const again = await it.report([it.file])
  expect(outcomes(again.report)).toEqual([`${gateway} ok`, `${a} ok`, `${b} ok`])
  expect(viaOf((await it.report(['verify', it.file, '--timeout', '5'], guest)).report)).toBe('forward')
  await write()
})

test('a forward that only the user’s ssh_config knows is a way in, and the report says which', async () => {
  await inside(
    gateway,
    'systemd-run --quiet --unit by-hand --socket-property ListenStream=127.0.0.1:9777 /lib/systemd/systemd-socket-proxyd 127.0.0.1:9122',
  )
  const config = join(it.lab.directory, 'home/.ssh/config')
  const before = await readFile(config, 'utf8')
  onTestFinished(async () => {
    await writeFile(config, before)
    await it.rewrite(inventory(9122))
    await inside(gateway, 'systemctl stop by-hand.socket by-hand.service')
  })
  await writeFile(config, `Host ${a}\n  HostName localhost\n  Port 9777\n  ProxyJump user001@${gateway}\n${before}`)
  // The inventory wants a forward that is not there yet.
  await it.rewrite(inventory(9555))
  const { report } = await it.report(['verify', it.file, '--timeout', '5'], guest)
  expect(report.hosts.find(({ name }) => name === a)).toMatchObject({
    outcome: 'differs',
    via: `forward on ${gateway} at localhost:9777`,
  })
  expect(viaOf((await it.report(['verify', it.file])).report)).toBe('direct')
})

test('`trust`, `status` and `drill` go the same ways', async () => {
  const pins = { PROVISION_KNOWN_HOSTS: join(it.folder, 'fresh') }
  const trust = await it.provision(['trust', it.file, '--yes'], { env: pins })
  expect(trust, trust.stderr).toMatchObject({ code: 0 })
  expect(await readFile(pins.PROVISION_KNOWN_HOSTS, 'utf8')).toContain(`${a} ssh-ed25519 `)
  expect((await it.provision(['status', it.file])).code).toBe(0)
  await verified(it)
  const drill = await it.report(['drill', it.file, '--device', a, '--yes', '--only', 'kill'])
  expect({ verdicts: drill.report.faults?.map(({ verdict }) => verdict), via: viaOf(drill.report) }).toEqual({
    verdicts: ['kept'],
    via: 'direct',
  })
})

test('where the admin has a block and no tunnel is there yet, `trust` looks at the device itself', async () => {
  await inside(a, 'systemctl stop reverse-tunnel-ssh-gw.guest.internal.service')
  const pins = { PROVISION_KNOWN_HOSTS: join(it.folder, 'fresh-2') }
  const trust = await it.provision(['trust', it.file, '--yes'], { env: pins })
  expect(trust, trust.stderr).toMatchObject({ code: 0 })
})
