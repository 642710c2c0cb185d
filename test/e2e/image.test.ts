import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cardBase } from '../../src/lab/base.ts'
import type { Machine } from '../../src/lab/index.ts'
import {
  answering,
  cutAt,
  filesWith,
  inMemory,
  type Moment,
  onDisk,
  secretsOf,
  settled,
  storyOf,
} from './image/fresh-card.ts'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'

// Every device here is given a card that `provision image` wrote, and boots as a Pi with a fresh card does. Nobody logs in.

/** As outside a lab: the pins are those beside the inventory. */
const env = { PROVISION_KNOWN_HOSTS: '' }
const gateway = 'ssh-gw.guest.internal'
const [a, b, c, d] = ['host-a.lan.internal', 'host-b.lan.internal', 'host-c.lan.internal', 'host-d.lan.internal']
const passphrase = 'correct horse battery'
const device = (port: number) => ({ forwards: [`127.0.0.1:${port}:localhost:22`], via: ['forward'] })
const inventory = {
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: {
    [a]: { ...device(9022), wifi: { ssid: 'the LAN', passphrase: 'env:WIFI_PASSPHRASE', country: 'JP' } },
    [b]: device(9023),
    [c]: device(9024),
    [d]: device(9025),
  },
}
const ports = { [a]: 9022, [b]: 9023, [c]: 9024, [d]: 9025 }

/** What Raspberry Pi Imager or a person has put there before. */
const customised = {
  'user-data': `#cloud-config
hostname: host-d
manage_etc_hosts: true
timezone: Asia/Tokyo
users:
- name: somebody
  shell: /bin/bash
  ssh_authorized_keys:
  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ somebody
runcmd:
- touch /root/runcmd-came
`,
  'meta-data': 'instance-id: rpi-imager-1764000000000\n',
  'network-config': `network:
  version: 2
  wifis:
    wlan0:
      dhcp4: true
      access-points:
        home: { password: ${passphrase} }
`,
}
const kernel = 'console=tty1 root=PARTUUID=00000000-02 rootfstype=ext4 rootwait quiet\n'
/** A script that stands on the card before: it takes one word out of the kernel's command line, leaves others, and reboots. */
const ownScript = {
  'cmdline.txt': `${kernel.trim()} systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target\n`,
  'firstrun.sh': `#!/bin/bash
set -e
echo ran >>/root/firstrun
rm -f /boot/firmware/firstrun.sh
sed -i 's| systemd\\.run=[^ ]*||g' /boot/firmware/cmdline.txt
reboot
exit 0
`,
}
const formats = { [a]: 'cloud-init', [b]: 'firstrun', [c]: 'rpi-preseed' }

let it: Rehearsal
beforeAll(async () => {
  // Built once, which takes longer than a test may.
  for (const suite of ['trixie', 'bookworm'] as const) await cardBase(suite)
  it = await rehearse(inventory, { suite: { [b]: 'bookworm' } })
  await run('trust', it.file, '--yes')
}, 600_000)
afterAll(() => it?.down())

const machine = (name: string) => it.lab.machine(name)
const run = (...words: string[]) =>
  it.provision(words, { env: { ...env, WIFI_PASSPHRASE: passphrase }, timeoutMs: 120_000 })
const seedsOf = (name: string, burn = 1) => join(it.folder, `${name}-${burn}`)

/** `provision image` for that device, into a folder of its own. */
async function burn(name: string, times = 1): Promise<string> {
  const folder = seedsOf(name, times)
  await mkdir(folder)
  const own = name === b && times === 2
  const before = name === d ? customised : own ? ownScript : name === b ? { 'cmdline.txt': kernel } : {}
  for (const [file, text] of Object.entries(before)) await writeFile(join(folder, file), text)
  const format = formats[name]
  const where = format === undefined || own ? ['--boot', folder] : ['--output', folder, '--format', format]
  const { code, stdout, stderr } = await run('image', it.file, '--device', name, ...where)
  expect({ code, stderr: code === 0 ? '' : stderr + stdout }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('written, and read back: provision-seed.sh, which holds secrets')
  return folder
}

/** Flashed and powered; how long it takes until it answers at its gateway. */
async function flash(name: string, seed: string, moments: readonly Moment[] = []): Promise<number> {
  await machine(name).reflash({ seed })
  const began = performance.now()
  for (const moment of moments) await cutAt(machine(name), moment)
  await answering(machine(gateway), ports[name] ?? 0).catch(async (error: Error) => {
    throw new Error(`${error.message}: ${await storyOf(machine(name))}`)
  })
  return performance.now() - began
}

/** All cards are burnt, then all are flashed at once: a gateway that is enrolling somebody rejects a burn. */
async function comeBack(names: readonly string[], moments: Readonly<Record<string, readonly Moment[]>> = {}) {
  const seeds: [string, string][] = []
  for (const name of names) seeds.push([name, await burn(name, moments[name] ? 2 : 1)])
  const times = seeds.map(async ([name, seed]) => {
    const ms = await flash(name, seed, moments[name])
    return `${formats[name] ?? 'cloud-init, customised'} ${(ms / 1000).toFixed(1)} s`
  })
  return Promise.all(times)
}

async function expectDone(name: string, times: number) {
  await settled(machine(name))
  const secrets = await secretsOf(seedsOf(name, times))
  expect(await filesWith(machine(name), secrets)).toEqual([])
  const user = name === b ? 'bookworm' : 'trixie'
  const { stdout } = await machine(name).sh(
    `hostname; systemctl is-enabled ssh; su - user001 -c 'sudo -n id -un'; passwd -S user001 | cut -d ' ' -f 2
     . /etc/os-release; echo "$VERSION_CODENAME"; mountpoint /boot/firmware; ls -A /var/lib/provision/first-boot
     systemctl is-system-running --wait; systemctl --failed --plain --no-legend`,
  )
  expect(stdout).toBe(
    `${name.split('.')[0]}\nenabled\nroot\nL\n${user}\n/boot/firmware is a mountpoint\nfinished\nrunning\n`,
  )
}

test('each is burnt, flashed, and answers at its gateway, with nobody logging in', async () => {
  const times = await comeBack([a, b, c, d])
  console.info(`from power on to answering at the gateway, four at once: ${times.join(', ')}`)
})

describe('afterwards', () => {
  test.each([a, b, c, d])('%s is what it is to be, and keeps no secret', (name) => expectDone(name, 1))

  test('the boot partitions hold what an image holds, and nothing of ours that runs again', async () => {
    const names = (name: string) => readdir(machine(name).bootPartition).then((all) => all.sort())
    const text = (name: string, file: string) => readFile(join(machine(name).bootPartition, file), 'utf8')
    expect(await names(a)).toEqual(['cmdline.txt', 'config.txt', 'meta-data', 'user-data'])
    expect(await text(a, 'user-data')).toBe('#cloud-config\n')
    expect(await names(b)).toEqual(['cmdline.txt', 'config.txt'])
    expect((await text(b, 'cmdline.txt')).trimEnd()).toBe(kernel.trimEnd())
    expect(await names(c)).toEqual(['cmdline.txt', 'config.txt', 'rpi-preseed.toml'])
  })

  test('the Wi-Fi of the inventory, and all that was customised before, has come about', async () => {
    const places = (ssid: string) => [
      `/run/NetworkManager/system-connections/netplan-wlan0-${ssid}.nmconnection`,
      '/upper/etc/netplan/50-cloud-init.yaml',
    ]
    expect(await filesWith(machine(a), [passphrase])).toEqual(places('the%20LAN'))
    expect(await filesWith(machine(d), [passphrase])).toEqual(places('home'))
    const { stdout } = await machine(d).sh(
      `stat -c %a /etc/netplan/50-cloud-init.yaml; readlink /etc/localtime; ls /root/runcmd-came
       cut -d ' ' -f 3 /home/somebody/.ssh/authorized_keys; getent hosts ${gateway} | grep -c .`,
    )
    expect(stdout).toBe('600\n/usr/share/zoneinfo/Asia/Tokyo\n/root/runcmd-came\nsomebody\n1\n')
  })

  test('`provision` finds them by their forwards, knows them again, and the run after that has nothing to do', async () => {
    const first = await it.report([it.file], { env })
    expect({ code: first.code, states: states(first.report) }, first.stderr).toEqual({
      code: 0,
      states: ['ok', 'ok', 'ok', 'ok'],
    })
    for (const name of [a, b, c, d])
      expect(first.stderr).toContain(`${name}: came back with a fresh card, enrolled at ${gateway} `)
    const second = await it.report([it.file], { env })
    expect(outcomes(second.report)).toEqual([gateway, a, b, c, d].map((name) => `${name} ok`))
  })
})

test('`lab reflash --seed` refuses what is no seed for that machine, and leaves it as it is', async () => {
  const lab = (...words: string[]) =>
    promisify(execFile)(process.execPath, ['bin/provision.js', 'lab', 'reflash', it.file, b, '--seed', ...words]).then(
      () => 'done',
      ({ stderr }: { stderr: string }) => stderr,
    )
  expect(await lab(it.folder)).toContain(`there is no seed in ${it.folder}`)
  expect(await lab(join(it.folder, 'nowhere'))).toContain('is not a folder')
  expect(await lab(seedsOf(a))).toContain(`${b} runs bookworm, but a seed for cloud-init needs trixie`)
  expect((await machine(b).sh('hostname')).stdout).toBe('host-b\n')
})

/** At the next boot sshd finds no host keys, and has failed too often to be started again when the first boot has made some. */
async function sshdGivesUp({ root }: Machine): Promise<true> {
  const folder = join(root, 'etc/ssh')
  const keys = (await readdir(folder)).filter((name) => name.startsWith('ssh_host_'))
  await Promise.all(keys.map((name) => rm(join(folder, name), { force: true })))
  const late = join(root, 'etc/systemd/system/provision-first-boot.service.d')
  await mkdir(late, { recursive: true })
  await writeFile(join(late, 'late.conf'), '[Service]\nExecStartPre=/bin/sleep 3\n')
  return true
}

describe('flashed once more, and their power goes', () => {
  const home = 'var/lib/provision/first-boot'
  const any = (all: readonly boolean[]) => all.includes(true)
  const enrolled: Moment = () => onDisk(`etc/ssh/reverse-tunnel/enrolled/${a}`)(machine(gateway))
  const moments: Record<string, readonly Moment[]> = {
    [a]: [
      inMemory('run/cloud-init'),
      onDisk(`${home}/seed.sh`),
      onDisk('etc/reverse-tunnel/known_hosts'),
      // Its own key, before the gateway has said yes to it, or right after.
      (one) => Promise.all(['.new', ''].map((end) => onDisk(`etc/reverse-tunnel/id_ed25519${end}`)(one))).then(any),
      enrolled,
      onDisk(`${home}/finished`),
    ],
    [b]: [onDisk(`${home}/seed.sh`)],
    [c]: [async (one) => (await onDisk(`${home}/prepared`)(one)) && (await sshdGivesUp(one))],
  }

  test('they come back all the same', async () => {
    const times = await comeBack([a, b, c], moments)
    console.info(`from power on to answering at the gateway, with power cuts: ${times.join(', ')}`)
  })

  test.each([a, b, c])('%s is what it is to be, and keeps no secret', (name) => expectDone(name, 2))

  test('a script of the card itself has run, and left nothing that the kernel has systemd run', async () => {
    const { stdout } = await machine(b).sh(
      // What the generators of this very boot have made in /run is gone with the next one.
      'sort -u /root/firstrun; ls /etc/systemd/system /usr/local/lib/systemd/system 2>/dev/null; readlink /etc/systemd/system/default.target',
    )
    expect(stdout.split('\n')[0]).toBe('ran')
    expect(stdout).not.toContain('kernel-command-line')
    const cmdline = await readFile(join(machine(b).bootPartition, 'cmdline.txt'), 'utf8')
    expect(cmdline.trimEnd()).toBe(kernel.trimEnd())
    expect(await readdir(machine(b).bootPartition).then((all) => all.sort())).toEqual(['cmdline.txt', 'config.txt'])
  })

  test('`provision` knows them again', async () => {
    const { code, report, stderr } = await it.report([it.file], { env })
    expect({ code, states: states(report) }, stderr).toEqual({ code: 0, states: ['ok', 'ok', 'ok', 'ok'] })
    for (const name of [a, b, c]) expect(stderr).toContain(`${name}: came back with a fresh card`)
  })
})
