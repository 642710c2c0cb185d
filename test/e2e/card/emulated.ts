import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lab } from '../../../src/lab/index.ts'
import { local } from '../../../src/lab/local.ts'
import { firewallOf } from '../../../src/lab/network.ts'
import { type Architecture, bootAt, ownArchitecture } from './flashed.ts'

/** A machine that is emulated to its last transistor, with a card in it and a cable to the lab's LAN. */
export interface Pi {
  /** What it said on its serial console so far. */
  console(): Promise<string>
  /** The plug is pulled. */
  off(): Promise<void>
}

const machines: Readonly<Record<Architecture, readonly [string, ...string[]]>> = {
  amd64: ['qemu-system-x86_64', '-M', 'q35'],
  arm64: ['qemu-system-aarch64', '-M', 'virt'],
}
const consoles = { amd64: 'ttyS0', arm64: 'ttyAMA0' }

/** Switched on; kernel, initramfs and command line are read from the boot partition, as a Pi's firmware does. */
export async function powerOn(card: string, lab: Lab, architecture: Architecture): Promise<Pi> {
  const folder = join(lab.directory, 'card')
  await mkdir(folder, { recursive: true })
  for (const name of ['kernel8.img', 'initramfs8', 'cmdline.txt'])
    await local(['mcopy', '-n', '-i', bootAt(card), `::${name}`, join(folder, name)])
  const words = (await readFile(join(folder, 'cmdline.txt'), 'utf8')).trim()
  const firewall = firewallOf(lab.id)
  const cable = 'card'
  await local(['ip', '-n', firewall, 'tuntap', 'add', cable, 'mode', 'tap'])
  await local(['ip', '-n', firewall, 'link', 'set', cable, 'master', 'lan', 'up'])
  const leases = await giveAddresses(lab, folder)
  const log = join(folder, 'console')
  // A test that is killed takes the machine with it.
  const start = ['nsenter', `--net=/run/netns/${firewall}`, 'setpriv', '--pdeathsig', 'KILL']
  const argv = [
    ...start,
    ...machines[architecture],
    ...accelerator(architecture),
    ...['-smp', '2', '-m', '1024', '-nodefaults', '-nographic', '-no-reboot', '-serial', `file:${log}`],
    ...['-kernel', join(folder, 'kernel8.img'), '-initrd', join(folder, 'initramfs8')],
    // What a processor guards itself with costs a fifth of the time where there is no such processor.
    ...['-append', `${words} console=${consoles[architecture]} mitigations=off`],
    // A Pi has no clock: it begins when its image was made.
    ...['-rtc', 'base=2025-12-04T00:00:00'],
    ...['-drive', `file=${card},format=raw,if=none,id=card`, '-device', 'virtio-blk-pci,drive=card'],
    ...['-netdev', `tap,id=lan,ifname=${cable},script=no,downscript=no`],
    ...['-device', 'virtio-net-pci,netdev=lan,romfile=,mac=02:77:02:00:ca:4d', '-device', 'virtio-rng-pci'],
  ]
  const said: string[] = []
  const [program = '', ...rest] = argv
  const qemu = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
  qemu.stderr.on('data', (text: Buffer) => said.push(text.toString()))
  return {
    console: async () => `${said.join('')}${await readFile(log, 'utf8').catch(() => '')}`,
    async off() {
      for (const child of [qemu, leases]) await ended(child)
      await local(['ip', '-n', firewall, 'link', 'del', cable])
    },
  }
}

/** The lab's LAN has no DHCP of its own, as its machines know their addresses. */
async function giveAddresses(lab: Lab, folder: string): Promise<ChildProcess> {
  const file = join(folder, 'udhcpd.conf')
  await writeFile(join(folder, 'leases'), '')
  await writeFile(
    file,
    `interface eth0
start 10.78.200.1
end 10.78.200.9
option subnet 255.255.0.0
option router 10.78.0.1
option lease 3600
lease_file ${folder}/leases
pidfile ${folder}/udhcpd.pid
`,
  )
  return lab.spawn(['setpriv', '--pdeathsig', 'KILL', 'busybox', 'udhcpd', '-f', file])
}

/** /dev/kvm may be there and be emulated itself, which runs no kernel of Debian's. */
function accelerator(architecture: Architecture): readonly string[] {
  const real = ['kvm_intel', 'kvm_amd'].some((module) => existsSync(`/sys/module/${module}`))
  if (architecture === 'amd64' && ownArchitecture === 'amd64' && real && existsSync('/dev/kvm'))
    return ['-accel', 'kvm', '-cpu', 'host']
  // One without pointer authentication, which is slow to emulate.
  return ['-accel', 'tcg,thread=multi', '-cpu', architecture === 'arm64' ? 'cortex-a72' : 'max']
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
