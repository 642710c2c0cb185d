import { InventoryError } from '../../errors.ts'
import { hosts, type Inventory } from '../../inventory/model.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { merge } from '../../report/merge.ts'
import type { HostReport, Report, ShardReport } from '../../report/report.ts'
import { inShard } from '../../run/partial-run.ts'
import { readReport } from '../../run/report-file.ts'
import { limitOf } from './limit.ts'
import type { ReportArguments } from './options.ts'
import { outputs, printOutputs } from './outputs.ts'

export type MergeArguments = ReportArguments & { files: string[] }

/**
 * Hosts of a shard that has left no report are in the joined one with an outcome that is not known.
 * @throws InventoryError where these are not reports of one run
 */
export async function mergeReports(argv: MergeArguments): Promise<void> {
  const [first, ...others] = await Promise.all(argv.files.map(readReport))
  if (first === undefined) throw new InventoryError('no report was named')
  for (const other of others) mustBelong(first, other)
  const inventory = await readInventory(first.inventory)
  const files = await outputs({ inventory, argv, env: process.env, clock: () => new Date() })
  const missing = missingShards([first, ...others])
  const report = merge(first, ...others, ...missing.map((shard) => unknownReport(first, inventory, shard)))
  await printOutputs(report, { files, json: argv.json, diffs: argv.verbose })
}

function mustBelong(first: Report, other: Report): void {
  const [one, two] = [first, other].map(({ command, inventory, shard }) =>
    JSON.stringify([command, inventory, shard?.count, shard?.limit]),
  )
  if (one === two) return
  const told = ({ command, inventory, shard }: Report) =>
    [command, inventory, ...(shard ? [`shard ${shard.index}/${shard.count}`] : []), ...(shard?.limit ?? [])].join(' ')
  throw new InventoryError(
    `these are not reports of one run: ${told(first)} and ${told(other)}`,
    'every job must run the same command with the same inventory, --limit and number of shards',
  )
}

function missingShards(reports: readonly Report[]): ShardReport[] {
  const shard = reports[0]?.shard
  if (shard === undefined) return []
  const there = new Set(reports.map((report) => report.shard?.index))
  return Array.from({ length: shard.count }, (_, at) => ({ ...shard, index: at + 1 })).filter(
    ({ index }) => !there.has(index),
  )
}

function unknownReport(first: Report, inventory: Inventory, shard: ShardReport): Report {
  const mine = inShard(inventory, shard, limitOf(shard.limit, inventory))
  const error = {
    message: `shard ${shard.index}/${shard.count} has left no report`,
    hint: 'see the log of its job, and run that job again',
  }
  const unknown = hosts(inventory).flatMap(({ name, role }): HostReport[] =>
    mine(name) ? [{ name, role, outcome: 'unknown', seconds: 0, resources: [], changes: [], error }] : [],
  )
  const { version, command, inventory: file } = first
  const wire = { connections: 0, execs: 0 }
  return {
    version,
    command,
    inventory: file,
    seconds: 0,
    exitCode: 3,
    hosts: unknown,
    forwards: [],
    recoveries: [],
    lostShards: [`${shard.index}/${shard.count}`],
    wire,
  }
}
