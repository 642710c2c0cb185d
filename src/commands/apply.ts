import type { CommandModule } from 'yargs'
import { type RunArguments, runOptions } from './options.ts'

export const apply: CommandModule<unknown, RunArguments & { check: boolean }> = {
  command: '$0 <inventory>',
  describe: 'Look, plan, show, change, and prove every forward',
  builder: (argv) =>
    runOptions(argv).option('check', {
      type: 'boolean',
      default: false,
      describe: 'Look, plan and show the difference; touch nothing',
    }) as never,
  async handler(argv) {
    const { run } = await import('./run.ts')
    await run(argv.check ? 'check' : 'apply', argv)
  },
}
