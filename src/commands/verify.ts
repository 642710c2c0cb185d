import type { CommandModule } from 'yargs'
import { type RunArguments, runOptions } from './options.ts'

type Arguments = RunArguments & { leastPrivilege: boolean }

export const verify: CommandModule<unknown, Arguments> = {
  command: 'verify <inventory>',
  describe: 'Is it still as written, and does every forward reach the right device; touches nothing',
  builder: (argv) =>
    runOptions(argv).option('least-privilege', {
      type: 'boolean',
      default: false,
      describe: 'Try with the key of every device, on that device, what it must not be able to do on its gateways',
    }) as never,
  async handler(argv) {
    const { run } = await import('./run.ts')
    await run('verify', argv, { looking: { leastPrivilege: argv.leastPrivilege } })
  },
}
