import { resolve } from 'node:path'
import { InventoryError } from '../errors.ts'
import { hosts, type Inventory } from '../inventory/model.ts'
import { continued } from '../report/merge.ts'
import type { HostReport, Report, ShardReport } from '../report/report.ts'
import type { RunOptions } from './context.ts'
import { readReport } from './report-file.ts'

/** Which of the hosts a run is about, beyond names: one machine's share, or what an earlier run has left. */
export interface PartialRun {
  within(limit: RunOptions['limit']): RunOptions['limit']
  /** The report of this part, with what is known of the rest. */
  whole(report: Report): Report
}

export interface PartWish {
  readonly command: Report['command']
  /** `2/4` */
  readonly shard?: string | undefined
  /** The file of an earlier report. */
  readonly resume?: string | undefined
  readonly limit: readonly string[]
}

/** @throws InventoryError for words that make no sense with this inventory */
export async function partialRunOf(
  inventory: Inventory,
  { command, shard, resume, limit }: PartWish,
): Promise<PartialRun> {
  const share = shard === undefined ? undefined : { ...parseShard(shard), limit }
  const earlier = resume === undefined ? undefined : await earlierOf(inventory, command, resume)
  const names = earlier && leftBy(earlier, inventory)
  return {
    within(limit) {
      const inShare = share ? inShard(inventory, share, limit) : limit
      return names ? (name) => inShare(name) && names.has(name) : inShare
    },
    whole(report) {
      const own = share ? { ...report, shard: share } : report
      return earlier ? continued(earlier, own) : own
    },
  }
}

/** Every host is in exactly one shard, the same one whoever asks; gateways are spread as devices are. */
export function inShard(
  inventory: Inventory,
  { index, count }: Pick<ShardReport, 'index' | 'count'>,
  limit: RunOptions['limit'],
): RunOptions['limit'] {
  const wanted = hosts(inventory).filter(({ name }) => limit(name))
  const mine = new Set(wanted.flatMap(({ name }, at) => (at % count === index - 1 ? [name] : [])))
  return (name) => mine.has(name)
}

function parseShard(text: string): Pick<ShardReport, 'index' | 'count'> {
  const [, index, count] = (/^([0-9]{1,4})\/([0-9]{1,4})$/.exec(text) ?? []).map(Number)
  if (index !== undefined && count !== undefined && index >= 1 && index <= count) return { index, count }
  throw new InventoryError(
    `--shard ${text}: is no part of a whole`,
    'write --shard 1/4 to --shard 4/4, for four machines',
  )
}

async function earlierOf(inventory: Inventory, command: Report['command'], file: string): Promise<Report> {
  const earlier = await readReport(file)
  if (earlier.command !== command) {
    throw new InventoryError(`--resume ${file}: is of another command: ${earlier.command}`, `this one is ${command}`)
  }
  if (resolve(earlier.inventory) === resolve(inventory.file)) return earlier
  throw new InventoryError(`--resume ${file}: is of another inventory: ${earlier.inventory}`)
}

const done = new Set<HostReport['outcome']>(['ok', 'changed'])

/**
 * What was not done, devices that did not answer through a forward, and the gateways of all these: they may need their
 * keys.
 */
function leftBy({ hosts: reports, forwards }: Report, inventory: Inventory): ReadonlySet<string> {
  const ended = new Set(reports.flatMap(({ name, outcome }) => (done.has(outcome) ? [name] : [])))
  const silent = new Set(forwards.flatMap(({ device, state }) => (state === 'ok' ? [] : [device])))
  const left = new Set(hosts(inventory).flatMap(({ name }) => (ended.has(name) && !silent.has(name) ? [] : [name])))
  for (const { name, forwards: own } of inventory.devices) {
    if (left.has(name)) for (const { gateway } of own) left.add(gateway)
  }
  return left
}
