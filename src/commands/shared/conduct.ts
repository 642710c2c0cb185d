import { homedir, hostname, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { InventoryError } from '../../errors.ts'
import type { Inventory } from '../../inventory/model.ts'
import type { Report } from '../../report/report.ts'
import { liveProgress } from '../../report/terminal/live.ts'
import { nextStep, type Situation } from '../../report/terminal/next-step.ts'
import { printPlan } from '../../report/terminal/plan.ts'
import { type Progress, plainProgress, silent } from '../../report/terminal/progress.ts'
import type { RunOptions } from '../../run/context.ts'
import type { HostKey, Pins } from '../../ssh/host-keys/pins.ts'
import { type ReachContext, reach } from '../../ssh/reach/reach.ts'
import { hasBlocks } from '../../ssh-config/write.ts'
import { lastProofs, lastProofsFile } from '../../verify/last-proofs.ts'
import { isDefaultInventory } from '../line/default-inventory.ts'
import { askYes, canAnswer } from './ask.ts'
import { connected } from './context.ts'
import { onInterrupt } from './interrupt.ts'
import { limitOf } from './limit.ts'
import type { HostArguments } from './options.ts'
import { lookOf, type Outputs, outputs, printOutputs, tellNext } from './outputs.ts'

/** From the words of the command line to a run, and from its report to the exit code. */
export async function conduct(
  command: Report['command'],
  argv: HostArguments,
  inventory: Inventory,
  way: Conduct,
): Promise<Done> {
  const limit = limitOf(argv.limit, inventory)
  const files = await outputs({ inventory, argv, env: process.env, clock: () => new Date() })
  const progress = progressOf(argv, way)
  const conducted = { ...way, command, argv, inventory, limit, files, progress }
  return connected(
    inventory,
    argv,
    (context) => conductOver(context, conducted),
    (ended) => ({
      acceptNew: new Set(argv.acceptNewHostKey),
      onUnknown: onUnknown(argv.trustFirst, progress, ended),
      ...(way.hostKeys && { instead: way.hostKeys }),
      onReplaced: ({ name }, key) => progress.note(`${name}: its pin was replaced by ${key.type} ${key.fingerprint}`),
    }),
  )
}

interface Conducted extends Conduct {
  readonly command: Report['command']
  readonly argv: HostArguments
  readonly inventory: Inventory
  readonly limit: RunOptions['limit']
  readonly files: Outputs
  readonly progress: Progress
}

async function conductOver(context: ReachContext, conducted: Conducted): Promise<Done> {
  const { command, argv, inventory, limit, files, progress } = conducted
  const { go, announced, silent: untold = false, tells = () => !untold } = conducted
  const asks = conducted.asks === true && canAnswer()
  const question = command === 'undo' ? 'Take this run back? (yes/no) ' : 'Apply this plan? (yes/no) '
  // What is under way comes to its end; after a second one the hosts settle themselves.
  const interrupt = onInterrupt(() =>
    progress.note(
      'interrupted: no new work is started, and changes in progress are finished (interrupt again to leave at once)',
    ),
  )
  const settings: RunOptions = {
    command,
    limit,
    context,
    reach,
    progress,
    lastProofs: lastProofs({
      file: lastProofsFile(process.env, homedir()),
      pins: context.wire.pins,
      clock: () => new Date(),
      note: (text) => progress.note(text),
    }),
    signal: interrupt.signal,
    show: (plan) => {
      if ((command !== 'apply' && command !== 'undo') || untold) return
      const text = printPlan(plan, { ...lookOf(process.stderr), diffs: argv.verbose })
      if (!argv.quiet && !argv.json) progress.note(text)
      // Nobody says yes to what was not shown.
      else if (asks && plan.hosts.some(({ changes }) => changes.length > 0)) process.stderr.write(`${text}\n`)
    },
    ...(asks && { approve: () => progress.during(() => askYes(question, interrupt.signal)) }),
    debug: (title, text) => {
      if (argv.debug) progress.note(`--- ${title}\n${text}`)
    },
    now: () => performance.now(),
    wait: (ms, signal) => wait(ms, undefined, signal && { signal }).catch(() => undefined),
    clock: () => new Date(),
    runId: `${new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)}-${Math.random().toString(36).slice(2, 8)}`,
    who: `${userInfo().username} on ${hostname()}, process ${process.pid}, since ${new Date().toISOString()}`,
    confirmWithinSeconds: confirmWithinOf(argv),
  }
  if (announced !== undefined) progress.note(announced)
  const report = await go(settings).finally(() => {
    interrupt.done()
    progress.close()
  })
  if (argv.debug) progress.note(`${report.wire.connections} connections, ${report.wire.execs} execs`)
  if (tells(report)) {
    await printOutputs(report, { files, json: argv.json, diffs: argv.verbose })
    if (conducted.next && !argv.quiet && !argv.json) await printNext(report, inventory, conducted.next)
  }
  return { report, inventory, pins: context.wire.pins, note: (text) => progress.note(text) }
}

export interface Conduct {
  readonly go: (settings: RunOptions) => Promise<Report>
  /** By host: what counts in this run instead of what is pinned for it. */
  readonly hostKeys?: ReadonlyMap<string, readonly HostKey[]>
  /** What is said before it begins. */
  readonly announced?: string
  /** Shows the plan and asks before it changes a host, where somebody can answer. */
  readonly asks?: boolean
  /** The report ends with what to do next. */
  readonly next?: Pick<Situation, 'planFile'>
  /** Neither plan nor report is printed: the command says itself how it went. */
  readonly silent?: boolean
  /** Is this report printed: one that is only a step is not, where it went well. */
  readonly tells?: (report: Report) => boolean
}

export interface Done {
  readonly report: Report
  readonly inventory: Inventory
  readonly pins: Pins
  readonly note: (text: string) => void
}

async function printNext(report: Report, { directory, file }: Inventory, next: Pick<Situation, 'planFile'>) {
  const knowsDevices = await hasBlocks(homedir(), join(directory, basename(file)))
  const isDefault = isDefaultInventory(report.inventory, process.env)
  const sentence = nextStep(report, { ...next, knowsDevices, isDefault })
  if (sentence !== undefined) tellNext(sentence)
}

/** @throws InventoryError for a time in which no login can be made */
function confirmWithinOf({ confirmWithin }: HostArguments): number {
  if (Number.isInteger(confirmWithin) && confirmWithin >= 5 && confirmWithin <= 3600) return confirmWithin
  throw new InventoryError('--confirm-within takes whole seconds, from 5 to 3600')
}

function progressOf({ quiet, json }: HostArguments, { silent: untold = false }: Conduct): Progress {
  if (quiet) return silent
  if (process.stderr.isTTY && !json && !process.env.CI) return liveProgress(process.stderr)
  return plainProgress(process.stderr, { ends: json || untold })
}

/** On a terminal we ask, as ssh does; without one, an unknown key is an error that says what to do. */
function onUnknown(trustFirst: boolean, progress: Progress, ended: AbortSignal) {
  if (trustFirst) {
    return async ({ name }: { name: string }, key: { type: string; fingerprint: string }) => {
      progress.note(`${name}: its host key was not known and is pinned now: ${key.type} ${key.fingerprint}`)
      return true
    }
  }
  if (!canAnswer()) return undefined
  return ({ name }: { name: string }, key: { type: string; fingerprint: string }) =>
    progress.during(() =>
      askYes(`the host key of ${name} is not known yet: ${key.type} ${key.fingerprint}. Pin it? (yes/no) `, ended),
    )
}
