import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { isThere } from '../files/atomic.ts'
import { base } from './base.ts'
import { cardWriter, type LabCard } from './card.ts'
import { emulatedCard, emulatedOf, isEmulating, noteCard } from './emulated.ts'
import type { LocalResult } from './local.ts'
import { addressOf, forgetNames, learnNames } from './names.ts'
import { cutOff, mendCut, pullCable } from './network.ts'
import type { LabPlan, MachinePlan, Role, Suite } from './plan.ts'
import { powerOff, powerOn } from './power.ts'
import { leaderOf } from './processes.ts'
import { renumber } from './renumber.ts'
import { bootOf, dropRoot, rootOf, writeRoot } from './root.ts'
import { attach, type CaptureOptions, capture, insideCommand } from './run.ts'

/** One host of the inventory, as a real Debian with systemd as PID 1. */
export interface Machine {
  readonly name: string
  readonly role: Role
  readonly suite: Suite
  /** As of now: `renumber` changes it. */
  readonly address: string
  readonly ports: readonly number[]
  readonly user: string
  /** Its network namespace, for `ip netns exec`. */
  readonly namespace: string
  /** Its root file system, readable from outside also while it is off. */
  readonly root: string
  state(): Promise<'on' | 'cut' | 'off'>
  /** Its PID 1, as this machine counts. */
  leader(): Promise<number>
  /** Inside, as root, without ssh: works also while it is cut off. */
  exec(command: readonly string[], options?: CaptureOptions): Promise<LocalResult>
  sh(script: string, options?: CaptureOptions): Promise<LocalResult>
  /** The same with the terminal of this process; its exit code. */
  attach(command: readonly string[]): Promise<number>
  /**
   * Its cable is cut: silence in both directions, until `mend`, or until somebody inside flushes all firewall rules.
   */
  cut(): Promise<void>
  mend(): Promise<void>
  /** A power cut. The disk stays. */
  kill(): Promise<void>
  /** Power on (and a whole cable); resolves when people can log in. */
  boot(): Promise<void>
  /**
   * Another address on its network, as after a new DHCP lease: the old one is gone at once, everybody's names follow.
   */
  renumber(): Promise<void>
  /** No name but localhost is found inside any more, as when DNS fails. It stays so over power cuts and boots. */
  forgetNames(): Promise<void>
  learnNames(): Promise<void>
  /** Its boot partition, readable from outside also while it is off; only there after a `reflash` with a seed. */
  readonly bootPartition: string
  /**
   * A fresh card: all is lost, new host keys; then boots, and people can log in. With a seed (the folder that
   * `provision image` has written) it is as flashed for a Pi, nobody can log in, and what comes of it is the seed's
   * matter: resolves as soon as it has power. With an image, the file is its disk from then on, and is written to; it
   * is emulated, so that from outside there is only its network.
   */
  reflash(card?: LabCard | LabImage): Promise<void>
}

/** The image of a whole card that `provision image` has written a seed to. */
export interface LabImage {
  readonly image: string
  readonly progress?: (message: string) => void
}

export function machineOf(plan: LabPlan, machine: MachinePlan): Machine {
  const { name, role, suite, ports, user, namespace, directory } = machine
  const cutMark = join(directory, 'cut')
  const isCut = () => isThere(cutMark)
  const lookup = leaderOf(namespace)
  const leader = async () => {
    const pid = await lookup()
    if (pid !== undefined) return pid
    await refuseEmulated('nothing can be run inside it')
    throw new ProvisionError(`lab: ${name} is off`, `provision lab boot … ${name}`)
  }
  const refuseEmulated = async (why: string) => {
    if (await emulatedOf(machine))
      throw new ProvisionError(`lab: ${name} is emulated, and boots from an image: ${why}`, 'log in to it by ssh')
  }
  const cable = async (how: 'cut' | 'mended') => {
    if (await emulatedOf(machine)) await pullCable(namespace, how === 'cut' ? 'down' : 'up')
    else await (how === 'cut' ? cutOff : mendCut)(namespace)
  }
  const exec = async (command: readonly string[], options?: CaptureOptions) =>
    capture(insideCommand(await leader(), command), options)
  const mend = async () => {
    await cable('mended')
    await rm(cutMark, { force: true })
  }
  const boot = async () => {
    await powerOn(plan, machine)
    if (await isCut()) await mend()
  }
  return {
    name,
    role,
    suite,
    get address() {
      return addressOf(plan, machine)
    },
    ports,
    user,
    namespace,
    root: rootOf(machine),
    bootPartition: bootOf(machine),
    state: async () => {
      const on = (await lookup()) !== undefined || (await isEmulating(machine))
      return on ? ((await isCut()) ? 'cut' : 'on') : 'off'
    },
    leader,
    exec,
    sh: (script, options) => exec(['sh', '-c', script], options),
    attach: async (command) => attach(insideCommand(await leader(), command)),
    cut: async () => {
      await cable('cut')
      await writeFile(cutMark, '')
    },
    mend,
    kill: () => powerOff(machine),
    boot,
    renumber: async () => {
      await refuseEmulated('it keeps its address')
      await renumber(plan, machine)
    },
    forgetNames: () => forgetNames(machine),
    learnNames: () => learnNames(plan, machine),
    reflash: async (card) => {
      const image = card && 'image' in card ? await emulatedCard(card.image, card.progress) : undefined
      const write = card && 'seed' in card ? await cardWriter(plan, machine, card) : await rootWriter(plan, machine)
      await powerOff(machine)
      if (!(await emulatedOf(machine))) await dropRoot(machine)
      await noteCard(machine, image)
      if (!image) await write()
      await boot()
    },
  }
}

async function rootWriter(plan: LabPlan, machine: MachinePlan): Promise<() => Promise<void>> {
  const tree = await base(machine.suite)
  return () => writeRoot(plan, machine, tree)
}
