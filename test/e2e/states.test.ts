import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { outcomes, picture, type Rehearsal, rehearse, verified } from './kit.ts'
import { mustRun } from './must-run.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const unit = `reverse-tunnel-${gateway}.service`
const socket = 'reverse-tunnel-127.0.0.1_9022.socket'

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(picture)
  const { code, stderr } = await it.provision([it.file])
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
})
afterAll(() => it?.down())

const inside = (name: string, script: string) => mustRun(it.lab.machine(name), script)
const verify = (...words: string[]) => it.report(['verify', it.file, ...words])
/** Whatever comes of this test, the next one begins with a tunnel that works. */
const mended = (mend: () => Promise<unknown>) =>
  onTestFinished(async () => {
    await mend()
    await verified(it)
  })
const only = ({ forwards: [forward] }: Report) => forward

test('a tunnel that works is proved by the key of the device itself', async () => {
  const { code, report } = await verify()
  const key = await inside(device, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
  expect({ code, command: report.command, hosts: outcomes(report) }).toEqual({
    code: 0,
    command: 'verify',
    hosts: [`${gateway} ok`, `${device} ok`],
  })
  expect(only(report)).toMatchObject({ device, gateway, bindAddress: '127.0.0.1', port: 9022, state: 'ok' })
  expect(key).toContain(only(report)?.hostKey)
})

test('verifying again and again never makes an sshd shut us out', async () => {
  for (let n = 0; n < 15; n++) expect((await verify()).code, `run ${n}`).toBe(0)
  const login = ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', device, 'hostname']
  expect(await it.lab.run(login)).toMatchObject({ code: 0, stdout: `${device}\n` })
  for (const name of [gateway, device])
    expect(await inside(name, 'journalctl -q -u ssh | grep -ci penalty || :'), name).toBe('0\n')
})

test('no-tunnel: the unit was stopped, so nobody stands behind the port', async () => {
  await inside(device, `systemctl stop ${unit}`)
  const { code, report } = await verify()
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} ok`, `${device} differs`] })
  const { state, error } = only(report) ?? {}
  expect(state).toBe('no-tunnel')
  expect(error?.message).toMatch(
    /^there is no tunnel behind port 9022\nbroken link: unit: reverse-tunnel-\S+ is stopped for \d+ s \(since \S+\)$/,
  )
  expect(error?.hint).toMatch(/^provision \S+ --limit host-a\.lan\.internal$/)
  const { stdout } = await it.provision(['verify', it.file])
  expect(stdout).toContain(
    `127.0.0.1:9022 on ${gateway}  no-tunnel (${device})\n  there is no tunnel behind port 9022\n  broken link: `,
  )
})

test('wrong-device: another sshd sits behind the port', async () => {
  mended(async () => {
    await inside(gateway, `systemctl stop other-sshd; systemctl start ${socket}`)
    await inside(device, `systemctl start ${unit}`)
  })
  await inside(gateway, `systemctl stop ${socket}; ssh-keygen -q -t ed25519 -N '' -f /root/other`)
  const imposter = '/usr/sbin/sshd -p 9022 -o ListenAddress=127.0.0.1 -o HostKey=/root/other -o PidFile=/run/other.pid'
  await inside(gateway, `systemd-run --quiet --unit other-sshd ${imposter} -D`)
  await inside(gateway, 'until ss -ltn | grep -q 127.0.0.1:9022; do sleep 0.05; done')
  const { code, report } = await verify()
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} rejected`, `${device} differs`] })
  expect(report.hosts[0]?.error?.message).toContain('127.0.0.1:9022, wanted for host-a.lan.internal, is taken: sshd')
  const other = (await inside(gateway, 'ssh-keygen -lf /root/other.pub')).split(' ')[1]
  expect(only(report)).toMatchObject({ state: 'wrong-device' })
  expect(only(report)?.error?.message).toContain(
    `${device} presented another host key than the pinned one: ssh-ed25519 ${other}, pinned is `,
  )

  // From the guest network this port is the only way in: a stranger is not logged in to.
  const guest = await it.report(['verify', it.file, '--timeout', '3'], { from: 'guest' })
  expect({ code: guest.code, hosts: outcomes(guest.report) }).toEqual({
    code: 3,
    hosts: [`${gateway} rejected`, `${device} unreachable`],
  })
  expect(guest.report.hosts[1]?.error?.message).toContain('presented another host key')
})

test('stale: the client on the device is frozen, and its port says nothing', async () => {
  const check = unit.replace('.service', '-check.service')
  mended(() => inside(device, `systemctl start ${check}`))
  // Else it would be killed before anybody saw it.
  await inside(device, `systemctl stop ${check}; systemctl kill --signal=STOP ${unit}`)
  const { code, report } = await verify()
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} ok`, `${device} differs`] })
  expect(only(report)).toMatchObject({
    state: 'stale',
    error: {
      message: expect.stringMatching(
        /^the port is open, but nothing answers: the tunnel behind it is frozen or its link is cut\nbroken link: unit: .* its ssh is frozen/,
      ),
      hint: expect.stringContaining(`systemctl kill --signal=KILL ${unit}`),
    },
  })
})

test('device-sshd-down: the tunnel lives, the sshd behind it does not', async () => {
  mended(() => inside(device, 'systemctl start ssh.service'))
  await inside(device, 'systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service')
  const { code, report } = await verify('--timeout', '3')
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 3, hosts: [`${gateway} ok`, `${device} unreachable`] })
  expect(only(report)).toMatchObject({
    state: 'device-sshd-down',
    error: {
      message: expect.stringMatching(
        /^the connection is closed at once: the tunnel is up, but it does not reach the device's own sshd\nbroken link: device sshd: /,
      ),
      hint: `on ${device}: systemctl status ssh; sshd -t; systemctl start ssh: or the unit of its own that runs sshd there`,
    },
  })
})

test('stale: the link of the device is cut, and it comes back by itself', async () => {
  await it.lab.machine(device).cut()
  const { code, report } = await verify('--timeout', '3')
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 3, hosts: [`${gateway} ok`, `${device} unreachable`] })
  expect(only(report)?.state).toBe('stale')
  await it.lab.machine(device).mend()
  await verified(it)
})

test('unverified: the gateway is off, nobody can look', async () => {
  await it.lab.machine(gateway).kill()
  const { code, report } = await verify('--timeout', '3')
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 3, hosts: [`${gateway} unreachable`, `${device} ok`] })
  expect(only(report)?.state).toBe('unverified')
  expect(only(report)?.error?.message).toContain(`${gateway} could not be asked: `)
})
