import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Inventory } from '../../src/inventory/model.ts'
import { findLab, type Lab, up } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'
import { processesIn } from '../../src/lab/processes.ts'

const [gateway, device, client] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host001.guest.internal']
const login = { user: 'user001', sudo: true }
const common = { hostKeys: [], accounts: [], login, profile: 'compatible', passwordLogin: true } as const
const picture: Inventory = {
  file: 'inventory.json',
  directory: '/tmp/provision-e2e-lab',
  gateways: [
    {
      ...common,
      role: 'gateway',
      name: gateway,
      dial: { address: '203.0.113.5', port: 2222 },
      tunnelAccount: 'tunnel',
    },
  ],
  devices: [
    {
      ...common,
      role: 'device',
      name: device,
      forwards: [],
      via: ['direct'],
      supervisor: 'systemd',
      address: 'fd00:5::7',
    },
  ],
  clients: [{ name: client }],
  groups: [],
}

let lab: Lab
beforeAll(async () => {
  lab = await up(picture, { sudoPassword: 'raspberry' })
})
afterAll(() => lab?.down())

const ssh = ['ssh', '-o', 'StrictHostKeyChecking=yes', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=2']
const banner = (host: string, port = 22) => ['bash', '-c', `exec 3<>/dev/tcp/${host}/${port}; head -n 1 <&3`]
const login001 = async (name: string, command: string) => (await lab.run([...ssh, name, command])).stdout.trim()

test('the admin machine logs in with its own key and the pinned host keys', async () => {
  expect(await login001(device, 'hostname; id -un; systemctl is-system-running')).toBe(`${device}\nuser001\nrunning`)
  expect(await login001(gateway, 'hostname')).toBe(gateway)
  expect(await login001(client, `ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new ${gateway} hostname`)).toBe(
    gateway,
  )
})

test('the LAN may call the guest network, the guest network hears nothing back', async () => {
  expect((await lab.run(banner(gateway), { from: device })).stdout).toContain('SSH-2.0')
  const refused = await lab.run(banner(device), { from: client, timeoutMs: 700 })
  expect(refused).toMatchObject({ code: 124, stdout: '' })
})

test('machines answer at the addresses and ports that the inventory names', async () => {
  for (const from of [device, client, 'lan', 'guest'])
    expect((await lab.run(banner('203.0.113.5', 2222), { from })).stdout, from).toContain('SSH-2.0')
  expect((await lab.run(banner('fd00:5::7'))).stdout).toContain('SSH-2.0')
})

test('sudo asks for the password that the lab was given', async () => {
  expect(await login001(device, 'sudo -n id -un || echo raspberry | sudo -S id -un')).toBe('root')
})

test('packages install although there is no way out', async () => {
  const { code, stdout } = await lab
    .machine(device)
    .sh('apt-get update -qq && apt-get install -y -qq autossh && autossh -V')
  expect({ code, last: stdout.trim().split('\n').at(-1) }).toEqual({ code: 0, last: 'autossh 1.4g' })
})

test('a cut is silent until it is mended', async () => {
  const machine = lab.machine(device)
  await machine.cut()
  expect(await machine.state()).toBe('cut')
  expect((await lab.run(banner(device), { timeoutMs: 700 })).code).toBe(124)
  await machine.mend()
  expect((await lab.run(banner(device))).stdout).toContain('SSH-2.0')
})

test('a power cut keeps the disk, and nobody is told', async () => {
  const machine = lab.machine(device)
  await machine.sh('echo here >/root/kept')
  const quiet = [...ssh, '-o', 'UpdateHostKeys=no']
  const open = lab.spawn([...quiet, device, 'echo in; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  await new Promise((resolve) => open.stdout?.once('data', resolve))
  // Nothing may be under way: what is sent again later would be answered by the machine that has booted since.
  await new Promise((resolve) => setTimeout(resolve, 500))
  await machine.kill()
  expect(await machine.state()).toBe('off')
  await machine.boot()
  expect((await machine.sh('cat /root/kept')).stdout).toBe('here\n')
  expect(open.exitCode).toBeNull()
  expect(readFileSync(`/proc/${open.pid}/comm`, 'utf8')).toBe('ssh\n')
  open.kill('SIGKILL')
})

test('reboot inside a machine brings it back', async () => {
  const machine = lab.machine(gateway)
  const before = await machine.leader()
  await machine.exec(['systemctl', 'reboot'])
  const back = async () => {
    const now = await lab.run([...ssh, gateway, 'true'], { timeoutMs: 2000 })
    return now.code === 0 && (await machine.leader()) !== before ? true : undefined
  }
  expect(await until(back, { timeoutMs: 15_000 })).toBe(true)
})

test('the firewall forgets: what was open is dead, new connections work', async () => {
  const echo = ['bash', '-c', `exec 3<>/dev/tcp/${gateway}/22; read -r l <&3; echo open; read -r; echo x >&3; cat <&3`]
  const old = lab.spawn(echo, { from: device, stdio: ['pipe', 'pipe', 'ignore'] })
  await new Promise((resolve) => old.stdout?.once('data', resolve))
  await lab.forget()
  old.stdin?.write('go\n')
  expect((await lab.run(banner(gateway), { from: device })).stdout).toContain('SSH-2.0')
  expect(old.exitCode).toBeNull()
  old.kill('SIGKILL')
})

test('a machine has a firewall of its own', async () => {
  const { sh } = lab.machine(gateway)
  await sh('nft "add table inet own; add chain inet own in { type filter hook input priority 0; }"')
  await sh('nft add rule inet own in tcp dport 22 drop')
  expect((await lab.run(banner(gateway), { timeoutMs: 700 })).code).toBe(124)
  await sh('nft delete table inet own')
  expect((await lab.run(banner(gateway))).stdout).toContain('SSH-2.0')
})

test('a new address: the old one is gone, everybody finds the machine at the new one, also after a power cut', async () => {
  const machine = lab.machine(gateway)
  const old = machine.address
  await machine.renumber()
  expect(machine.address).not.toBe(old)
  expect((await lab.run(banner(old), { from: device, timeoutMs: 700 })).stdout).toBe('')
  const found = async () => {
    for (const from of [device, client, 'lan', 'guest'])
      expect((await lab.run(banner(gateway), { from })).stdout, from).toContain('SSH-2.0')
    expect((await lab.machine(device).sh(`getent hosts ${gateway}`)).stdout).toContain(machine.address)
  }
  await found()
  expect((await findLab(picture))?.machine(gateway).address).toBe(machine.address)
  await machine.kill()
  await machine.boot()
  await found()
})

test('names fail inside one machine until it learns them again, over a power cut too', async () => {
  const machine = lab.machine(device)
  const knows = async () =>
    (await machine.sh(`getent hosts ${gateway}; getent hosts localhost`)).stdout.split('\n').length
  await machine.forgetNames()
  expect(await knows()).toBe(2)
  await machine.kill()
  await machine.boot()
  await lab.machine(gateway).renumber()
  expect(await knows()).toBe(2)
  const { stderr } = await machine.sh(`ssh -o BatchMode=yes ${gateway} true`)
  expect(stderr).toContain('Temporary failure in name resolution')
  await machine.learnNames()
  expect((await machine.sh(`getent hosts ${gateway}`)).stdout).toContain(lab.machine(gateway).address)
})

test('a machine boots although its gateway is away', async () => {
  await lab.machine(gateway).kill()
  await lab.machine(device).kill()
  await lab.machine(device).boot()
  expect((await lab.run([...ssh, device, 'true'])).code).toBe(0)
  await lab.machine(gateway).boot()
})

test('a clock can be wrong by years, a disk full, /etc read-only', async () => {
  const { sh } = lab.machine(device)
  const faketime = 'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1 FAKETIME=-20y FAKETIME_DONT_FAKE_MONOTONIC=1'
  const clock = await sh(`date +%Y; systemd-run -q --pipe --wait -p 'Environment=${faketime}' date +%Y`)
  const [now, then] = clock.stdout.trim().split('\n').map(Number)
  expect(then).toBe((now ?? 0) - 20)
  const full = await sh(
    'cat /dev/zero >/var/full; echo >/var/more || echo full; rm /var/full; echo >/var/more && echo room',
  )
  expect(full.stdout).toBe('full\nroom\n')
  const etc = await sh(
    'mount --bind /etc /etc; mount -o remount,bind,ro /etc; echo >/etc/x || echo ro; umount /etc; echo >/etc/x && echo rw',
  )
  expect(etc.stdout).toBe('ro\nrw\n')
})

test('a re-flashed machine is a stranger', async () => {
  await lab.machine(device).reflash()
  const { code, stderr } = await lab.run([...ssh, device, 'true'])
  expect({ code, changed: stderr.includes('REMOTE HOST IDENTIFICATION HAS CHANGED') }).toEqual({
    code: 255,
    changed: true,
  })
  expect((await lab.machine(device).sh('test ! -e /root/kept')).code).toBe(0)
})

test('up again hands out the lab that is up; an unknown machine is named with the known ones', async () => {
  expect((await up(picture, { sudoPassword: 'raspberry' })).id).toBe(lab.id)
  expect((await findLab(picture))?.id).toBe(lab.id)
  expect(() => lab.machine('printer')).toThrow('no machine is called printer')
})

test('nothing stays behind', async () => {
  const left = lab.spawn(['sleep', '60'], { from: 'guest' })
  const ended = new Promise((resolve) => left.once('exit', (_, signal) => resolve(signal)))
  const namespaces = readdirSync('/run/netns').filter((name) => name.startsWith(lab.id))
  await lab.down()
  expect(await ended).toBe('SIGKILL')
  expect(namespaces.length).toBe(6)
  expect((await Promise.all(namespaces.map(processesIn))).flat()).toEqual([])
  for (const folder of ['/run/netns', '/etc/netns', '/run/provision-lab', '/run/systemd/nspawn/propagate'])
    expect(existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(lab.id)) : []).toEqual([])
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(lab.id)
  expect(readFileSync('/proc/self/cgroup', 'utf8')).not.toContain(lab.id)
  const processes = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid))
  const words = processes.map((pid) =>
    existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '',
  )
  expect(words.filter((line) => line.includes(lab.id))).toEqual([])
  await lab.down()
  expect(await findLab(picture)).toBeUndefined()
})
