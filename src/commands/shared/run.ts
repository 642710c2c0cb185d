import { hostname, userInfo } from 'node:os'
import { drill, type Wish } from '../../drill/drill.ts'
import { printListener } from '../../inventory/forward.ts'
import type { Inventory } from '../../inventory/model.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { defaultPlaybook, loadPlaybook } from '../../playbook/load.ts'
import type { Playbook } from '../../playbook/playbook.ts'
import type { HostReport, Report } from '../../report/report.ts'
import type { RunOptions } from '../../run/context.ts'
import { keptKeys } from '../../run/kept-keys.ts'
import { partialRunOf } from '../../run/partial-run.ts'
import { type Sources, withIdentity } from '../../run/plan/plan-file.ts'
import { provision } from '../../run/provision.ts'
import { steppingAside } from '../../run/step-aside.ts'
import { takeBack } from '../../undo/undo.ts'
import { type Conduct, conduct, type Done } from './conduct.ts'
import { type Identified, identify } from './identify.ts'
import { named } from './named.ts'
import type { HostArguments, PartArguments, RunArguments } from './options.ts'

/** `provision`, `--check` and `verify`; and the commands that ask for something beyond the inventory. */
export async function run(
  command: Report['command'],
  argv: RunArguments & Partial<PartArguments>,
  asked: Asked = {},
): Promise<Done> {
  const { wish = (written) => written, limit = argv.limit, planned, after } = asked
  const written = wish(await readInventory(argv.inventory))
  const playbook = argv.playbook === undefined ? await defaultPlaybook() : await loadPlaybook(argv.playbook)
  await planned?.mustBeOf({ inventory: written, playbook: argv.playbook, limit: limit ?? [] })
  const part = await partialRunOf(written, { ...argv, command, limit: limit ?? [] })
  const whole: Playbook = (of) => [...playbook(of), ...(asked.beyond?.(of) ?? [])]
  let inventory = written
  const goWith = (wanted: Inventory) => async (settings: RunOptions) => {
    const { id, note } = await identityOf(inventory, command, { shard: argv.shard, planned: planned?.id })
    if (note) settings.progress.note(note)
    if (id) inventory = { ...inventory, id }
    const hosts = planned && withIdentity(planned.hosts, { made: planned.id, now: id })
    const { kept, keep } = await keptIn(inventory, playbook, settings, { planned: planned !== undefined })
    const how = {
      ...settings,
      keep,
      ...asked.looking,
      ...(hosts && { planned: hosts }),
      limit: part.within(settings.limit),
    }
    return part.whole(await provision({ ...wanted, ...(id && { id }), kept }, whole, how))
  }
  if (asked.stepAside) {
    const moved = await moveAside(argv, inventory, asked, goWith)
    if (moved.report.exitCode !== 0) return moved
  }
  const done = await conduct(command, { ...argv, limit: limit && [...limit] }, written, {
    go: goWith(written),
    ...asked,
  })
  await after?.({ ...done, inventory })
  return done
}

function identityOf(
  { id, file }: Pick<Inventory, 'id' | 'file'>,
  command: Report['command'],
  { shard, planned }: { readonly shard?: string | undefined; readonly planned?: string | undefined },
): Promise<Identified> | Identified {
  if (id !== undefined || command === 'verify') return { ...(id !== undefined && { id }) }
  return identify(file, { applies: command === 'apply', shared: shard !== undefined, planned })
}

/** The first of two moves; its report is printed where it did not succeed. */
async function moveAside(
  argv: HostArguments,
  inventory: Inventory,
  { stepAside: names = [], asks = false }: Pick<Asked, 'stepAside' | 'asks'>,
  goWith: (wanted: Inventory) => (settings: RunOptions) => Promise<Report>,
): Promise<Done> {
  const devices = names.map((name) => named(name, inventory.devices))
  const gateways = devices.flatMap(({ forwards }) => forwards.map(({ gateway }) => gateway))
  const limit = [...new Set([...names, ...gateways])]
  const aside = steppingAside(inventory, names)
  const ports = aside.devices.filter(({ name }) => names.includes(name)).flatMap(({ forwards }) => forwards)
  const announced = `first move: ${ports.map((forward) => `${forward.device} to ${printListener(forward)} on ${forward.gateway}`).join(', ')}`
  return conduct('apply', { ...argv, limit }, inventory, {
    go: goWith(aside),
    ...{ announced, asks },
    tells: ({ exitCode }) => exitCode !== 0,
  })
}

/**
 * No spare host key is made where the playbook keeps nothing, since no device would trust it, nor in a CI, where the
 * private key would be gone with the workspace.
 */
function keptIn(inventory: Inventory, playbook: Playbook, run: RunOptions, { planned }: { planned: boolean }) {
  const keeps = playbook(inventory).some((step) => step.kind === 'verify' && step.keeps !== undefined)
  return keptKeys(inventory, {
    command: run.command,
    // A gateway that is being restored has its spare in use only when that is over.
    makes: keeps && !planned && !process.env.CI && inventory.restored === undefined,
    pins: run.context.wire.pins,
    who: `${userInfo().username} on ${hostname()}`,
    note: (text) => run.progress.note(text),
  })
}

/** `undo`, with and without `--check`. */
export async function undo(
  command: Report['command'],
  argv: HostArguments & { readonly run: string | undefined; readonly yes: boolean },
): Promise<void> {
  const inventory = await readInventory(argv.inventory)
  await conduct(command, argv, inventory, {
    go: (settings) => takeBack(inventory, settings, argv.run),
    asks: !argv.yes,
    next: {},
  })
}

/** `drill`: `wish` names the tunnel and its faults. */
export async function drilled(
  argv: HostArguments,
  inventory: Inventory,
  wish: Pick<Wish, 'drilled' | 'names'>,
): Promise<void> {
  const go = async (settings: RunOptions) => {
    const playbook = await defaultPlaybook()
    const { kept } = await keptIn(inventory, playbook, settings, { planned: false })
    const verify = (limit: RunOptions['limit']) =>
      provision({ ...inventory, kept }, playbook, { ...settings, command: 'verify', limit })
    return drill(inventory, settings, { ...wish, verify })
  }
  await conduct('drill', argv, inventory, { go, next: {} })
}

/** What a command wants beyond what the inventory says. */
export interface Asked extends Pick<Conduct, 'hostKeys' | 'silent' | 'asks' | 'next'> {
  /** Steps after those of the playbook. */
  readonly beyond?: Playbook
  /** @throws InventoryError for what the inventory does not have */
  readonly wish?: (inventory: Inventory) => Inventory
  readonly limit?: readonly string[]
  /** How a run looks that changes nothing. */
  readonly looking?: Pick<RunOptions, 'leastPrivilege' | 'only' | 'waitMs'>
  /** Devices that move in two steps. */
  readonly stepAside?: readonly string[]
  /** This plan and no other. */
  readonly planned?: {
    readonly hosts: readonly HostReport[]
    readonly id: string | undefined
    readonly mustBeOf: (sources: Sources) => Promise<void>
  }
  /** After the report was printed. */
  readonly after?: (done: Done) => Promise<void>
}
