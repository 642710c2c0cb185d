import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { isThere } from '../files/atomic.ts'
import { base } from './base.ts'
import { cardWriter, type LabCard } from './card.ts'
import type { LocalResult } from './local.ts'
import { addressOf, forgetNames, learnNames } from './names.ts'
import { cutOff, mendCut } from './network.ts'
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
   * matter: resolves as soon as it has power.
   */
  reflash(card?: LabCard): Promise<void>
}

export function machineOf(plan: LabPlan, machine: MachinePlan): Machine {
  const { name, role, suite, ports, user, namespace, directory } = machine
  const cutMark = join(directory, 'cut')
  const isCut = () => isThere(cutMark)
  const lookup = leaderOf(namespace)
  const leader = async () => {
    const pid = await lookup()
    if (pid !== undefined) return pid
    throw new ProvisionError(`lab: ${name} is off`, `provision lab boot … ${name}`)
  }
  const exec = async (command: readonly string[], options?: CaptureOptions) =>
    capture(insideCommand(await leader(), command), options)
  const boot = async () => {
    await powerOn(plan, machine)
    if (!(await isCut())) return
    await mendCut(namespace)
    await rm(cutMark, { force: true })
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
    state: async () => ((await lookup()) === undefined ? 'off' : (await isCut()) ? 'cut' : 'on'),
    leader,
    exec,
    sh: (script, options) => exec(['sh', '-c', script], options),
    attach: async (command) => attach(insideCommand(await leader(), command)),
    cut: async () => {
      await cutOff(namespace)
      await writeFile(cutMark, '')
    },
    mend: async () => {
      await mendCut(namespace)
      await rm(cutMark, { force: true })
    },
    kill: () => powerOff(machine),
    boot,
    renumber: () => renumber(plan, machine),
    forgetNames: () => forgetNames(machine),
    learnNames: () => learnNames(plan, machine),
    reflash: async (card) => {
      const write = await (card ? cardWriter(plan, machine, card) : rootWriter(plan, machine))
      await powerOff(machine)
      await dropRoot(machine)
      await write()
      await boot()
    },
  }
}

async function rootWriter(plan: LabPlan, machine: MachinePlan): Promise<() => Promise<void>> {
  const tree = await base(machine.suite)
  return () => writeRoot(plan, machine, tree)
}
