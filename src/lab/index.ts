import type { ChildProcess, StdioOptions } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { InventoryError, ProvisionError } from '../errors.ts'
import type { Inventory } from '../inventory/model.ts'
import { base } from './base.ts'
import { raiseLimits } from './limits.ts'
import { type LocalResult, local } from './local.ts'
import { type Machine, machineOf } from './machine.ts'
import { adminOf, forgetConnections, makeNetworks } from './network.ts'
import { type LabPlan, labId, type MachinePlan, type PlanOptions, planLab, type Whereabouts } from './plan.ts'
import { powerOn } from './power.ts'
import { requirements } from './requirements.ts'
import { identityOf, readHostKeys, writeRoot } from './root.ts'
import { adminCommand, attach, type CaptureOptions, capture, start } from './run.ts'
import { claim, isWreck, labIds, markUp, readState } from './state.ts'
import { sweep, takeDown } from './take-down.ts'

export type { Machine } from './machine.ts'
export { labId, type Suite, suites } from './plan.ts'
export { sweep, takeDown } from './take-down.ts'

export interface LabOptions extends PlanOptions {
  /** Told what takes long, for a person. */
  readonly progress?: (message: string) => void
  /** Takes everything down again when it fires before the lab is up. */
  readonly signal?: AbortSignal
}

export interface LabCommandOptions {
  /** `guest`, `lan` (the default), or a machine's name: in whose network. */
  readonly from?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Real machines, one for each host of an inventory, with a firewall between. */
export interface Lab {
  readonly id: string
  readonly inventory: string
  readonly directory: string
  /** Host keys of all machines by plain host name, as of `up`: a re-flashed machine is not in step with it. */
  readonly knownHosts: string
  /** Private key that every machine accepts. */
  readonly identityFile: string
  readonly machines: readonly Machine[]
  machine(name: string): Machine
  /** A command on the admin machine, to its end. */
  run(command: readonly string[], options?: LabCommandOptions & CaptureOptions): Promise<LocalResult>
  /** The same, left running: its pid is the command's own. */
  spawn(command: readonly string[], options?: LabCommandOptions & { stdio?: StdioOptions }): ChildProcess
  /** The same with the terminal of this process; its exit code. */
  attach(command: readonly string[], options?: LabCommandOptions): Promise<number>
  /** The firewall forgets all connections from the LAN, in silence. */
  forget(): Promise<void>
  down(): Promise<void>
}

/** Boots the lab of an inventory; one that is up already is handed out as it is. */
export async function up(inventory: Inventory, options: LabOptions = {}): Promise<Lab> {
  const { progress = () => undefined, signal } = options
  await requirements(progress, signal)
  await sweep()
  const plan = planLab(inventory, options)
  const running = await readState(plan.id)
  if (running?.phase === 'up') {
    if (JSON.stringify(running.plan) === JSON.stringify(plan)) return labOf(running.plan)
    throw new ProvisionError(
      `lab: a lab of ${plan.inventory} is up, but the inventory or the options have changed since`,
      `provision lab down ${plan.inventory}`,
    )
  }
  await claim(plan)
  try {
    await build(plan, { progress, ...(signal ? { signal } : {}) })
    await markUp(plan)
  } catch (error) {
    await takeDown(plan.id)
    throw error
  }
  return labOf(plan)
}

/** The lab of this inventory, if it is up. */
export async function findLab(inventory: Whereabouts): Promise<Lab | undefined> {
  const state = await readState(labId(inventory))
  return state?.phase === 'up' && !(await isWreck(state.plan.id)) ? labOf(state.plan) : undefined
}

/** Takes down all labs of this machine, whole or wrecked; their ids. */
export async function downAll(): Promise<readonly string[]> {
  const ids = await labIds()
  for (const id of ids) await takeDown(id)
  return ids
}

async function build(
  plan: LabPlan,
  options: { progress: (message: string) => void; signal?: AbortSignal },
): Promise<void> {
  const bases = new Map<string, string>()
  for (const { suite } of plan.machines) if (!bases.has(suite)) bases.set(suite, await base(suite, options))
  await local(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `provision-${plan.id}`, '-f', identityOf(plan)])
  await writeFile(join(plan.directory, 'home/.ssh/config'), sshConfig(plan), { mode: 0o600 })
  options.signal?.throwIfAborted()
  await raiseLimits()
  await makeNetworks(plan)
  const limit = pLimit(4)
  const prepared = plan.machines.map((machine) =>
    limit(async () => {
      options.signal?.throwIfAborted()
      await writeRoot(plan, machine, bases.get(machine.suite) ?? '')
      await powerOn(plan, machine)
    }),
  )
  // All come to rest before the first error speaks: taking down must not race with setting up.
  const ends = await Promise.allSettled(prepared)
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  await writeFile(join(plan.directory, 'known_hosts'), await knownHosts(plan.machines), { mode: 0o600 })
  options.signal?.throwIfAborted()
}

async function knownHosts(machines: readonly MachinePlan[]): Promise<string> {
  const lines = await Promise.all(
    machines.map(async (machine) => (await readHostKeys(machine)).map((key) => `${machine.name} ${key}\n`)),
  )
  return lines.flat().join('')
}

/** What a plain `ssh NAME` on the admin machine needs beyond the name. */
function sshConfig(plan: LabPlan): string {
  const block = ({ name, user, ports: [port = 22] }: MachinePlan) =>
    `Host ${name}\n  HostKeyAlias ${name}\n  User ${user}\n  Port ${port}\n  UserKnownHostsFile ${plan.directory}/known_hosts\n`
  return plan.machines.map(block).join('')
}

function labOf(plan: LabPlan): Lab {
  const machines = plan.machines.map((machine) => machineOf(plan, machine))
  const machine = (name: string): Machine => {
    const found = machines.find((candidate) => candidate.name === name)
    if (found) return found
    const names = machines.map((candidate) => candidate.name)
    const close = names.find(
      (candidate) => candidate.startsWith(name) || name.startsWith(candidate.split('.')[0] ?? name),
    )
    throw new InventoryError(
      `lab: no machine is called ${name}`,
      close ? `did you mean ${close}?` : `the machines are ${names.join(', ')}`,
    )
  }
  const namespace = (from = 'lan') =>
    from === 'lan' || from === 'guest' ? adminOf(plan.id, from) : machine(from).namespace
  const line = (command: readonly string[], options: LabCommandOptions = {}) =>
    adminCommand(plan, namespace(options.from), command, options.env)
  return {
    id: plan.id,
    inventory: plan.inventory,
    directory: plan.directory,
    knownHosts: join(plan.directory, 'known_hosts'),
    identityFile: identityOf(plan),
    machines,
    machine,
    run: async (command, options) => capture(line(command, options), options),
    spawn: (command, options) => start(line(command, options), options?.stdio ?? 'ignore'),
    attach: async (command, options) => attach(line(command, options)),
    forget: () => forgetConnections(plan),
    down: () => takeDown(plan.id),
  }
}
