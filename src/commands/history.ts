import type { Argv, CommandModule } from 'yargs'
import { InventoryError } from '../errors.ts'
import { inventoryArgument } from './shared/options.ts'

interface Arguments {
  inventory: string
  name?: string
  since: string
  with?: string[]
  state?: string
  json?: boolean
  csv?: boolean
}

export const historyCommand: CommandModule<unknown, Arguments> = {
  command: 'history <inventory> [name]',
  describe: 'Show when each device was away, how long and why, as `provision watch` has written it down',
  builder: (argv: Argv) =>
    inventoryArgument(argv)
      .positional('name', { type: 'string', describe: 'Only this host or group, or a glob of their names' })
      .option('since', { type: 'string', default: '30d', describe: 'How far back: 12h, 30d or 8w' })
      .option('with', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Also the record of another watcher, a file; repeatable',
      })
      .option('state', { type: 'string', requiresArg: true, describe: 'The folder of the record, as of `watch`' })
      // No default: yargs would count it as given, and report a conflict.
      .option('json', { type: 'boolean', describe: 'Print one JSON document' })
      .option('csv', {
        type: 'boolean',
        conflicts: 'json',
        describe: 'Print the outages as CSV',
      })
      .example('provision history', 'the last thirty days of all hosts')
      .example('provision history pi1 --since 8w', 'of one device')
      .epilogue('docs/watch.md#what-was') as never,
  async handler(argv) {
    const [{ readInventory }, { recordFile }, { limitOf }, { readRecord }, { historyOf }, text, { printJson }] =
      await Promise.all([
        import('../inventory/read/inventory.ts'),
        import('./shared/record-file.ts'),
        import('./shared/limit.ts'),
        import('../watch/record/record.ts'),
        import('../watch/history.ts'),
        import('../watch/history-text.ts'),
        import('../report/inert.ts'),
      ])
    const { hosts } = await import('../inventory/model.ts')
    const { isThere } = await import('../files/atomic.ts')
    const inventory = await readInventory(argv.inventory)
    const within = limitOf(argv.name === undefined ? undefined : [argv.name], inventory)
    const until = Date.now()
    const since = until - sinceMs(argv.since)
    const files = [recordFile(inventory, argv.state), ...(argv.with ?? [])]
    for (const file of files)
      if (!(await isThere(file)))
        throw new InventoryError(`${file}: there is no such record`, `provision watch ${argv.inventory} writes one`)
    const memories = await Promise.all(files.map(readRecord))
    const wanted = hosts(inventory).filter(({ name }) => within(name))
    const whole = historyOf(memories, { inventory: inventory.file, hosts: wanted, since, until })
    const report = { ...whole, outages: whole.outages.filter(({ name }) => within(name)) }
    const printed = argv.json ? printJson(report) : argv.csv ? text.printCsv(report) : text.printHistory(report)
    process.stdout.write(printed)
  },
}

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }

/** @throws InventoryError */
function sinceMs(text: string): number {
  const [, count, unit = ''] = /^(\d{1,4})([hdw])$/.exec(text) ?? []
  const ms = Number(count) * (unitMs[unit] ?? Number.NaN)
  if (ms > 0) return ms
  throw new InventoryError('--since takes hours, days or weeks', 'write 12h, 30d or 8w')
}
