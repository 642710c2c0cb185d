import { setMaxListeners } from 'node:events'
import { homedir, hostname, userInfo } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import reverseTunnel from '../../playbooks/reverse-tunnel.ts'
import { drill, type Wish } from '../drill.ts'
import { InventoryError } from '../errors.ts'
import { printListener } from '../inventory/forward.ts'
import type { Inventory } from '../inventory/model.ts'
import { readInventory } from '../inventory.ts'
import { lastProofs, lastProofsFile } from '../last-proofs.ts'
import { partOf } from '../part.ts'
import type { Pins } from '../pins.ts'
import type { Sources } from '../plan-file.ts'
import { loadPlaybook } from '../playbook-file.ts'
import { provision } from '../provision.ts'
import { liveProgress } from '../report/live.ts'
import { type Progress, plainProgress, silent } from '../report/progress.ts'
import type { HostReport, Report } from '../report/report.ts'
import { printPlan } from '../report/text.ts'
import { steppingAside } from '../run/step-aside.ts'
import type { Run } from '../run.ts'
import { takeBack } from '../undo.ts'
import { askYes } from './ask.ts'
import { contextOf } from './context.ts'
import { limitOf } from './limit.ts'
import { named } from './named.ts'
import type { HostArguments, PartArguments, RunArguments } from './options.ts'
import { outputs, tell } from './outputs.ts'

/** `provision`, `--check` and `verify`; and the commands that ask for something beyond the inventory. */
export async function run(
  command: Report['command'],
  argv: RunArguments & Partial<PartArguments>,
  asked: Asked = {},
): Promise<void> {
  const { wish = (written) => written, limit = argv.limit, planned, after } = asked
  const inventory = wish(await readInventory(argv.inventory))
  const playbook = argv.playbook === undefined ? reverseTunnel : await loadPlaybook(argv.playbook)
  await planned?.mustBeOf({ inventory, playbook: argv.playbook, limit: limit ?? [] })
  const part = await partOf(inventory, { ...argv, command, limit: limit ?? [] })
  const goWith = (wanted: Inventory) => async (settings: Run) => {
    const how = { ...settings, ...asked.looking, ...(planned && { planned: planned.hosts }) }
    return part.whole(await provision(wanted, playbook, { ...how, limit: part.within(settings.limit) }))
  }
  if (asked.stepAside && !(await moveAside(argv, inventory, asked.stepAside, goWith))) return
  const done = await conduct(command, { ...argv, limit: limit && [...limit] }, inventory, goWith(inventory))
  await after?.(done)
}

/** The first of two moves; undefined, its report printed, where it did not succeed. */
async function moveAside(
  argv: HostArguments,
  inventory: Inventory,
  names: readonly string[],
  goWith: (wanted: Inventory) => (settings: Run) => Promise<Report>,
): Promise<Done | undefined> {
  const devices = names.map((name) => named(name, inventory.devices))
  const gateways = devices.flatMap(({ forwards }) => forwards.map(({ gateway }) => gateway))
  const limit = [...new Set([...names, ...gateways])]
  const aside = steppingAside(inventory, names)
  const ports = aside.devices.filter(({ name }) => names.includes(name)).flatMap(({ forwards }) => forwards)
  const announced = `first move: ${ports.map((forward) => `${forward.device} to ${printListener(forward)} on ${forward.gateway}`).join(', ')}`
  const done = await conduct('apply', { ...argv, limit }, inventory, goWith(aside), {
    announced,
    tells: ({ exitCode }) => exitCode !== 0,
  })
  return done.report.exitCode === 0 ? done : undefined
}

/** `undo`, with and without `--check`. */
export async function undo(command: Report['command'], argv: HostArguments, named?: string): Promise<void> {
  const inventory = await readInventory(argv.inventory)
  await conduct(command, argv, inventory, (settings) => takeBack(inventory, settings, named))
}

/** `drill`: `wish` is what happens to whom. */
export async function drilled(
  argv: HostArguments,
  inventory: Inventory,
  wish: Pick<Wish, 'drilled' | 'names'>,
): Promise<void> {
  await conduct('drill', argv, inventory, (settings) => {
    const verify = (limit: Run['limit']) =>
      provision(inventory, reverseTunnel, { ...settings, command: 'verify', limit })
    return drill(inventory, settings, { ...wish, verify })
  })
}

/** From the words of the command line to a run, and from its report to the exit code. */
async function conduct(
  command: Report['command'],
  argv: HostArguments,
  inventory: Inventory,
  go: (settings: Run) => Promise<Report>,
  { announced, tells = () => true }: Telling = {},
): Promise<Done> {
  const limit = limitOf(argv.limit, inventory)
  const files = await outputs({ inventory, argv, env: process.env, clock: () => new Date() })
  const progress = progressOf(argv)
  const color = process.stdout.hasColors?.() ?? false
  const context = await contextOf(inventory, argv, {
    acceptNew: new Set(argv.acceptNewHostKey),
    onUnknown: onUnknown(argv.trustFirst, progress),
    onReplaced: ({ name }, key) => progress.note(`${name}: its pin was replaced by ${key.type} ${key.fingerprint}`),
  })
  const interrupt = onInterrupt(progress)
  const settings: Run = {
    command,
    limit,
    context,
    progress,
    lastProofs: lastProofs({
      file: lastProofsFile(process.env, homedir()),
      pins: context.wire.pins,
      clock: () => new Date(),
      note: (text) => progress.note(text),
    }),
    signal: interrupt.signal,
    show: (plan) => {
      if ((command === 'apply' || command === 'undo') && !argv.quiet && !argv.json)
        progress.note(printPlan(plan, { color, diffs: argv.verbose }))
    },
    debug: (title, text) => {
      if (argv.debug) progress.note(`--- ${title}\n${text}`)
    },
    now: () => performance.now(),
    wait: (ms, signal) => wait(ms, undefined, signal && { signal }).catch(() => undefined),
    clock: () => new Date(),
    runId: `${new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)}-${Math.random().toString(36).slice(2, 8)}`,
    who: `${userInfo().username} on ${hostname()}, process ${process.pid}, since ${new Date().toISOString()}`,
    patience: patienceOf(argv),
  }
  if (announced !== undefined) progress.note(announced)
  const report = await go(settings)
  interrupt.done()
  progress.close()
  if (argv.debug) progress.note(`${report.wire.connections} connections, ${report.wire.execs} execs`)
  if (tells(report)) await tell(report, { files, json: argv.json, diffs: argv.verbose || /check$/.test(command) })
  return { report, inventory, pins: context.wire.pins, note: (text) => progress.note(text) }
}

interface Telling {
  /** What is said before it begins. */
  readonly announced?: string
  /** Is this report printed: one that is only a step is not, where it went well. */
  readonly tells?: (report: Report) => boolean
}

/** What a command wants beyond what the inventory says. */
export interface Asked {
  /** @throws InventoryError for what the inventory does not have */
  readonly wish?: (inventory: Inventory) => Inventory
  readonly limit?: readonly string[]
  /** How a run looks that changes nothing. */
  readonly looking?: Pick<Run, 'leastPrivilege' | 'only' | 'waitMs'>
  /** Devices that move in two steps. */
  readonly stepAside?: readonly string[]
  /** This plan and no other. */
  readonly planned?: { readonly hosts: readonly HostReport[]; readonly mustBeOf: (sources: Sources) => Promise<void> }
  /** After the report was printed. */
  readonly after?: (done: Done) => Promise<void>
}

export interface Done {
  readonly report: Report
  readonly inventory: Inventory
  readonly pins: Pins
  readonly note: (text: string) => void
}

/** @throws InventoryError for a time in which no login can be made */
function patienceOf({ confirmWithin }: HostArguments): number {
  if (Number.isInteger(confirmWithin) && confirmWithin >= 5 && confirmWithin <= 3600) return confirmWithin
  throw new InventoryError('--confirm-within takes whole seconds, from 5 to 3600')
}

function progressOf({ quiet, json }: HostArguments): Progress {
  if (quiet) return silent
  return process.stderr.isTTY && !json && !process.env.CI ? liveProgress(process.stderr) : plainProgress(process.stderr)
}

/** On a terminal we ask, as ssh does; without one, an unknown key is an error that says what to do. */
function onUnknown(trustFirst: boolean, progress: Progress) {
  if (trustFirst) {
    return async ({ name }: { name: string }, key: { type: string; fingerprint: string }) => {
      progress.note(`${name}: its host key was not known and is pinned now: ${key.type} ${key.fingerprint}`)
      return true
    }
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  return ({ name }: { name: string }, key: { type: string; fingerprint: string }) => {
    progress.close()
    return askYes(`${name} is not known yet. Its ${key.type} key is ${key.fingerprint}. Pin it? (yes/no) `)
  }
}

/** Ctrl-C once: nothing new is begun, and what is under way comes to its end. Twice: we leave, the hosts settle themselves. */
function onInterrupt(progress: Progress) {
  const controller = new AbortController()
  // Every login under way listens to it.
  setMaxListeners(0, controller.signal)
  const handler = () => {
    if (controller.signal.aborted) process.exit(130)
    progress.note('interrupted: nothing new is begun, hosts in mid-change come to their end (again to leave at once)')
    controller.abort()
  }
  process.on('SIGINT', handler).on('SIGTERM', handler)
  return { signal: controller.signal, done: () => void process.off('SIGINT', handler).off('SIGTERM', handler) }
}
