import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import { outcomes, place, type Rehearsal, rehearse, states } from './kit.ts'

const [gateway, device, rooted] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-r.lan.internal']
const password = 'Rasp-berry $1 "quoted"'

let it: Rehearsal
beforeAll(async () => {
  const inventory = {
    login: { user: 'user001' },
    gateways: { [gateway]: {} },
    devices: {
      [device]: { forwards: ['127.0.0.1:9022:localhost:22'] },
      [rooted]: { login: { user: 'root' }, forwards: ['127.0.0.1:9023:localhost:22'] },
    },
  }
  it = await rehearse(inventory, { sudoPassword: password })
})
afterAll(() => it?.down())

const given = { env: { PROVISION_SUDO_PASSWORD: password } }
const inside = async (name: string, script: string) => (await it.lab.machine(name).sh(script)).stdout
const untouched = (name: string) =>
  inside(name, 'ls -d /var/lib/provision /etc/reverse-tunnel /etc/ssh/reverse-tunnel 2>/dev/null; getent passwd tunnel')

test('root needs no sudo', async () => {
  const { report } = await it.report([it.file, '--limit', rooted, '--check'])
  expect(outcomes(report)).toEqual([`${rooted} differs`])
})

test('where sudo wants a password and none was given, the hint says how to give one', async () => {
  const { code, report } = await it.report([it.file, '--limit', gateway, '--limit', device])
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 3,
    hosts: [`${gateway} unreachable`, `${device} unreachable`],
  })
  expect(report.hosts[1]?.error).toEqual({
    message: 'sudo requires the password of user001',
    hint: 'give the password of user001 with --ask-sudo-password or PROVISION_SUDO_PASSWORD, or set NOPASSWD in sudoers',
  })
  expect(await untouched(gateway)).toBe('')
  expect(await untouched(device)).toBe('')
})

test('a wrong password is tried once, and the error does not repeat it', async () => {
  const wrong = { env: { PROVISION_SUDO_PASSWORD: 'wrong-Straw-berry' } }
  const { code, report, stdout, stderr } = await it.report([it.file, '--limit', device, '--debug'], wrong)
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 3, hosts: [`${device} unreachable`] })
  expect(report.hosts[0]?.error).toEqual({
    message: 'sudo refused the password of user001',
    hint: 'the password was sent only once: is it the right one for this account on this host?',
  })
  expect(stdout + stderr).not.toContain('Straw')
  const failures = await inside(
    device,
    `journalctl -q _COMM=sudo -g 'authentication failure|incorrect password' | grep -c COMMAND`,
  )
  expect(failures).toBe('1\n')
  expect(await untouched(device)).toBe('')
})

test('the right password works, and can be read nowhere', async () => {
  // While the run goes on, somebody on the device reads the command lines and environments of all processes.
  const needle = '/root/needle'
  await place(it.lab.machine(device), { path: needle, text: `${password}\n` })
  const spy = `: >/root/found; while [ ! -e /root/stop ]; do
    grep -alFf ${needle} /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null >>/root/found; sleep 0.1; done`
  await it.lab.machine(device).exec(['systemd-run', '--quiet', '--unit', 'spy', 'sh', '-c', spy])
  const { code, stdout, stderr } = await it.provision([it.file, '--json', '--debug'], given)
  const report = JSON.parse(stdout)
  expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${device} changed`, `${rooted} changed`],
    states: ['ok', 'ok'],
  })
  expect(stderr).toContain('--- apply on')
  expect(stdout + stderr).not.toMatch(/Rasp-?berry/i)
  expect(await inside(device, 'cat /root/found')).toBe('')
  // The spy is awake: what does stand in a command line, it finds.
  await it.lab
    .machine(device)
    .exec(['systemd-run', '--quiet', '--unit', 'bait', 'sh', '-c', 'sleep 60; : "$0"', password])
  expect(
    await until(async () => (await inside(device, 'cat /root/found')) || undefined, { timeoutMs: 5000 }),
  ).toContain('cmdline')
  await inside(device, 'touch /root/stop; systemctl stop bait')
  for (const name of [gateway, rooted]) {
    expect(
      await inside(name, 'journalctl -q | grep -ci rasp-berry; grep -rl Rasp-berry /etc /var /home /run 2>/dev/null'),
    ).toBe('0\n')
  }
  const journal = await inside(
    device,
    'journalctl -q | grep -v bait | grep -ci rasp-berry; grep -rl Rasp-berry /etc /var/lib/provision /home',
  )
  expect(journal).toBe('0\n')
})

test('a password that sudo does not ask for does no harm', async () => {
  await inside(device, `echo 'user001 ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/free`)
  const { code, report } = await it.report([it.file], given)
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 0,
    hosts: [`${gateway} ok`, `${device} ok`, `${rooted} ok`],
  })
  const without = await it.report([it.file, '--limit', device])
  expect({ code: without.code, hosts: outcomes(without.report) }).toEqual({ code: 0, hosts: [`${device} ok`] })
  await inside(device, 'rm /etc/sudoers.d/free')
})

test('who may not use sudo is told so, and nothing is touched', async () => {
  await inside(device, 'deluser --quiet user001 sudo 2>/dev/null || gpasswd -d user001 sudo')
  await inside(device, 'systemctl stop reverse-tunnel-ssh-gw.guest.internal.service')
  const { code, report } = await it.report([it.file, '--limit', device], given)
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 3, hosts: [`${device} unreachable`] })
  expect(report.hosts[0]?.error?.message).toMatch(/^user001 may not use sudo: /)
  expect(report.hosts[0]?.error?.hint).toBe(
    'allow user001 to use sudo there (adduser user001 sudo), or log in as another account',
  )
  expect(await inside(device, 'systemctl is-active reverse-tunnel-ssh-gw.guest.internal.service')).toBe('inactive\n')
})
