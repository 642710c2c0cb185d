import type { CommandModule } from 'yargs'
import type { MergeArguments } from './shared/merge-reports.ts'
import { reportOptions } from './shared/options.ts'

const mergeCommand: CommandModule<unknown, MergeArguments> = {
  command: 'merge <files..>',
  describe: 'Join the --json reports of shards into one, with one exit code; name each missing shard',
  builder: (argv) =>
    reportOptions(
      argv.positional('files', { type: 'string', array: true, describe: 'The report files', demandOption: true }),
    ) as never,
  async handler(argv) {
    const { mergeReports } = await import('./shared/merge-reports.ts')
    await mergeReports(argv)
  },
}

export const reportCommand: CommandModule = {
  command: 'report',
  describe: 'Work with the reports of runs',
  builder: (argv) =>
    argv
      .command(mergeCommand)
      .example('provision report merge shard-*.json', 'one report, one exit code')
      .epilogue('docs/ci.md#several-machines---shard-in')
      .demandCommand(1, 'expected provision report merge FILE…'),
  handler: () => undefined,
}
