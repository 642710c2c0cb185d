import type { CommandModule } from 'yargs'
import { InventoryError } from '../errors.ts'
import { type PartArguments, partOptions } from './shared/options.ts'

type Arguments = PartArguments & { leastPrivilege?: boolean; only?: 'forwards'; wait?: number }

export const verifyCommand: CommandModule<unknown, Arguments> = {
  command: 'verify <inventory>',
  describe: 'Is it still as written, and does every forward reach the right device; touches nothing',
  builder: (argv) =>
    partOptions(argv)
      .option('only', {
        choices: ['forwards'] as const,
        describe:
          'Look at the gateways and through the forwards; log in to no device but there, where its host key is enough',
      })
      .option('wait', {
        type: 'number',
        describe: 'Seconds to wait for tunnels and hosts that are not there yet; ends as soon as all are',
      })
      .option('least-privilege', {
        // No default: yargs would take it for a word that was given, and in conflict.
        type: 'boolean',
        conflicts: 'only',
        describe: 'Try with the key of every device, on that device, what it must not be able to do on its gateways',
      }) as never,
  async handler(argv) {
    const { run } = await import('./shared/run.ts')
    const { only, leastPrivilege = false } = argv
    await run('verify', argv, { looking: { only, leastPrivilege, waitMs: waitOf(argv) } })
  },
}

/** @throws InventoryError for what is no time */
function waitOf({ wait }: Arguments): number | undefined {
  if (wait === undefined || (wait >= 1 && wait <= 86_400)) return wait && wait * 1000
  throw new InventoryError('--wait takes seconds, from 1 to 86400')
}
