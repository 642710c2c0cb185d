import type { CommandModule } from 'yargs'
import { InventoryError } from '../errors.ts'
import { type PartArguments, partOptions } from './shared/options.ts'

type Arguments = PartArguments & { leastPrivilege?: boolean; only?: 'forwards'; wait?: number }

export const verifyCommand: CommandModule<unknown, Arguments> = {
  command: 'verify <inventory>',
  describe: 'Check that the hosts are as the inventory says and every forward reaches the right device; change nothing',
  builder: (argv) =>
    partOptions(argv)
      .option('only', {
        choices: ['forwards'] as const,
        describe:
          'Check only the gateways and the forwards; the host key that a device shows through its forward is enough',
      })
      .option('wait', {
        type: 'number',
        describe: 'Seconds to wait for tunnels and hosts that are not up yet; the wait ends as soon as all are',
      })
      .option('least-privilege', {
        // No default: yargs would count it as given, and report a conflict.
        type: 'boolean',
        conflicts: 'only',
        describe: 'Try on every device, with its key, what that key must not be able to do on its gateways',
      })
      .example('provision verify', 'all hosts')
      .example('provision verify --only forwards --wait 120', 'after a power cut: until the tunnels are back')
      .example('provision verify --junit report.xml', 'for a CI')
      .epilogue('docs/ci.md') as never,
  async handler(argv) {
    const { run } = await import('./shared/run.ts')
    const { only, leastPrivilege = false } = argv
    await run('verify', argv, { next: {}, looking: { only, leastPrivilege, waitMs: waitOf(argv) } })
  },
}

/** @throws InventoryError for a number out of range */
function waitOf({ wait }: Arguments): number | undefined {
  if (wait === undefined || (wait >= 1 && wait <= 86_400)) return wait && wait * 1000
  throw new InventoryError('--wait takes seconds, from 1 to 86400')
}
