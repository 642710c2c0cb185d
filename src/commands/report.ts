import type { CommandModule } from 'yargs'
import type { MergeArguments } from './shared/merge-reports.ts'
import { reportOptions } from './shared/options.ts'

const mergeCommand: CommandModule<unknown, MergeArguments> = {
  command: 'merge <files..>',
  describe: 'Join the --json reports of shards into one, with one exit code; a shard that is missing is told',
  builder: (argv) =>
    reportOptions(
      argv.positional('files', { type: 'string', array: true, describe: 'The reports', demandOption: true }),
    ) as never,
  async handler(argv) {
    const { mergeReports } = await import('./shared/merge-reports.ts')
    await mergeReports(argv)
  },
}

export const reportCommand: CommandModule = {
  command: 'report',
  describe: 'What to do with reports of runs',
  builder: (argv) => argv.command(mergeCommand).demandCommand(1, 'provision report merge FILE…'),
  handler: () => undefined,
}
