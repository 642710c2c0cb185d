import type { CommandModule } from 'yargs'
import { type HostArguments, hostOptions, yesOption } from './shared/options.ts'

type Arguments = HostArguments & { check: boolean; run: string | undefined; yes: boolean }

export const undoCommand: CommandModule<unknown, Arguments> = {
  command: 'undo <inventory>',
  describe: 'Undo the last run: its hosts become what they were before it',
  builder: (argv) =>
    yesOption(hostOptions(argv))
      .option('check', {
        alias: ['n', 'dry-run'],
        type: 'boolean',
        default: false,
        describe: 'Show which run would be undone on which host; change nothing',
      })
      .option('run', { type: 'string', describe: 'Undo only where this run is the last one' })
      .example('provision undo --check', 'what it would take back')
      .example('provision undo', 'the last run, on every host')
      .epilogue('docs/safe-changes.md') as never,
  async handler(argv) {
    const { undo: takeBack } = await import('./shared/run.ts')
    await takeBack(argv.check ? 'undo-check' : 'undo', argv)
  },
}
