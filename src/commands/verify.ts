import type { CommandModule } from 'yargs'
import { type RunArguments, runOptions } from './options.ts'

export const verify: CommandModule<unknown, RunArguments> = {
  command: 'verify <inventory>',
  describe: 'Is it still as written, and does every forward reach the right device; touches nothing',
  builder: (argv) => runOptions(argv) as never,
  async handler(argv) {
    const { run } = await import('./run.ts')
    await run('verify', argv)
  },
}
