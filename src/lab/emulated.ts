import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { isThere } from '../files/atomic.ts'
import { type BootImage, readImage } from '../image/medium/disk-image.ts'
import emulatedText from './emulated.sh'
import { hostsOf } from './names.ts'
import { bridgeTap } from './network.ts'
import type { LabPlan, MachinePlan } from './plan.ts'
import { processesIn } from './processes.ts'
import { requirements } from './requirements.ts'

/** A machine whose disk is the image of a card, with a kernel of its own: all of it is emulated. */
export interface EmulatedCard {
  readonly file: string
  /** Where its boot partition begins, in bytes. */
  readonly start: number
  readonly board: EmulatedBoard
}

/** A Pi 3 for the kernels of Raspberry Pi, which know no other; else what any kernel of that processor runs on. */
export type EmulatedBoard = 'pi' | 'arm64' | 'amd64'

const noteOf = (machine: MachinePlan) => join(machine.directory, 'emulated.json')

/**
 * Looks at an image and its seed. What is needed to run it is installed.
 * @throws ProvisionError where it could not boot here, or has no seed
 */
export async function emulatedCard(
  path: string,
  progress: (message: string) => void = () => undefined,
): Promise<EmulatedCard> {
  const file = resolve(path)
  const boot = await readImage(file)
  if (!boot.names.includes('provision-seed.sh'))
    throw new ProvisionError(
      `lab: there is no seed in ${path}`,
      `write one there: provision image … --image ${path}; a card that has come back has none any more`,
    )
  const card = { file, start: boot.start, board: boardOf(boot, path) }
  await requirements(progress, undefined, {
    mcopy: 'mtools',
    dnsmasq: 'dnsmasq-base',
    ...(card.board === 'amd64'
      ? { 'qemu-system-x86_64': 'qemu-system-x86' }
      : { 'qemu-system-aarch64': 'qemu-system-arm' }),
  })
  return card
}

export function boardOf({ names, kernel }: BootImage, path: string): EmulatedBoard {
  if (kernel === undefined)
    throw new ProvisionError(`lab: ${path} has no 64-bit kernel (kernel8.img, vmlinuz)`, 'flash a 64-bit image')
  if (kernel.toString('latin1', 0x202, 0x206) === 'HdrS') return 'amd64'
  return names.includes('bcm2710-rpi-3-b.dtb') ? 'pi' : 'arm64'
}

/** From now on this is the machine's disk, instead of a tree of files; undefined: no longer. */
export async function noteCard(machine: MachinePlan, card: EmulatedCard | undefined): Promise<void> {
  if (card) await writeFile(noteOf(machine), JSON.stringify(card))
  else await rm(noteOf(machine), { force: true })
}

export async function emulatedOf(machine: MachinePlan): Promise<EmulatedCard | undefined> {
  if (!(await isThere(noteOf(machine)))) return undefined
  return JSON.parse(await readFile(noteOf(machine), 'utf8'))
}

export async function isEmulating(machine: MachinePlan): Promise<boolean> {
  return (await isThere(noteOf(machine))) && (await processesIn(machine.namespace)).length > 0
}

/** Power on; its network is there already. What comes of it is the card's matter. */
export async function emulate(plan: LabPlan, machine: MachinePlan, card: EmulatedCard, log: number): Promise<void> {
  const folder = join(machine.directory, 'emulated')
  await mkdir(folder, { recursive: true })
  const { tap, mac, address, own } = await bridgeTap(plan, machine)
  // A card reader of a Pi wants a card whose size is a power of two; a real card has room behind its image, too.
  if (card.board === 'pi') await grow(card.file)
  const [words, ...qemu] = boards[card.board]({ file: card.file, tap, mac })
  const dhcp = [
    ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--user=root', '--pid-file=', '--bind-interfaces'],
    ...[
      `--listen-address=${own}`,
      '--no-resolv',
      '--no-hosts',
      '--address=/#/',
      `--addn-hosts=${hostsOf(plan)}`,
      '--leasefile-ro',
    ],
    ...[`--dhcp-range=${own},static,255.255.0.0`, `--dhcp-host=${mac},${address},infinite`, '--dhcp-ignore=tag:!known'],
    ...[`--dhcp-option=option:router,${own.replace(/\.255\.\d+$/, '.0.1')}`, `--dhcp-option=option:dns-server,${own}`],
  ]
  const board = ['sh', '-c', emulatedText, 'sh', card.file, String(card.start), folder, words]
  const console = [
    '-chardev',
    `file,id=console,path=${join(folder, 'console')},append=on`,
    '-serial',
    'chardev:console',
  ]
  for (const argv of [dhcp, [...board, ...qemu, ...console]])
    spawn('nsenter', [`--net=/run/netns/${machine.namespace}`, ...argv], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: '/',
      env: { PATH: process.env.PATH ?? '' },
    }).unref()
}

interface Parts {
  readonly file: string
  readonly tap: string
  readonly mac: string
}

const common = ['-nodefaults', '-nographic', '-no-reboot', '-m', '1024']
// What a processor guards itself with costs a fifth of the time where there is no such processor. And a disk that is
// not there after 90 s ends the boot, while one that is emulated beside much other work may still come.
const any = (console: string) => `console=${console} mitigations=off systemd.default_device_timeout_sec=900`
const virtio = ({ file, tap, mac }: Parts) => [
  ...['-smp', '2', '-drive', `file=${file},format=raw,if=none,id=card`, '-device', 'virtio-blk-pci,drive=card'],
  ...['-netdev', `tap,id=lan,ifname=${tap},script=no,downscript=no`],
  ...['-device', `virtio-net-pci,netdev=lan,romfile=,mac=${mac}`, '-device', 'virtio-rng-pci'],
  // A Pi has no clock: it begins when its image was made.
  ...['-rtc', 'base=2025-12-04T00:00:00'],
]

/** Words for the kernel, then qemu's own. */
const boards: Readonly<Record<EmulatedBoard, (parts: Parts) => readonly [string, ...string[]]>> = {
  // Its kernel would take a timer that comes late, since others want the same cores, for one that is broken.
  amd64: (parts) => [
    `${any('ttyS0')} no_timer_check`,
    ...['qemu-system-x86_64', '-M', 'q35', ...hardware(), ...common, ...virtio(parts)],
  ],
  // A processor without pointer authentication, which is slow to emulate.
  arm64: (parts) => [
    any('ttyAMA0'),
    ...['qemu-system-aarch64', '-M', 'virt', '-accel', 'tcg,thread=multi', '-cpu', 'cortex-a72'],
    ...[...common, ...virtio(parts)],
  ],
  // Its USB, with Raspberry Pi's own driver, does without that driver's fast interrupts.
  pi: ({ file, tap, mac }) => [
    `${any('ttyAMA0')} dwc_otg.lpm_enable=0 dwc_otg.fiq_fsm_enable=0`,
    ...['qemu-system-aarch64', '-M', 'raspi3b', '-smp', '4', ...common],
    ...['-drive', `file=${file},format=raw,if=sd`, '-netdev', `tap,id=lan,ifname=${tap},script=no,downscript=no`],
    ...['-device', `usb-net,netdev=lan,mac=${mac}`],
  ],
}

/**
 * /dev/kvm may be there and be emulated itself, which runs no kernel of Debian's. What newer processors add to this old
 * one is slow to emulate: with all of it a boot takes a third more.
 */
function hardware(): readonly string[] {
  const real = ['kvm_intel', 'kvm_amd'].some((module) => existsSync(`/sys/module/${module}`))
  return process.arch === 'x64' && real && existsSync('/dev/kvm')
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi', '-cpu', 'Nehalem']
}

async function grow(path: string): Promise<void> {
  const file = await open(path)
  const { size } = await file.stat().finally(() => file.close())
  const whole = 2 ** Math.ceil(Math.log2(size))
  if (whole > size) await truncate(path, whole)
}
