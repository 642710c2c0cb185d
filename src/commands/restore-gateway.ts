import type { CommandModule } from 'yargs'
import type { RestoreArguments } from './restore/restoration.ts'
import { inventoryArgument, workOptions } from './shared/options.ts'

export const restoreGatewayCommand: CommandModule<unknown, RestoreArguments> = {
  command: 'restore-gateway <inventory> <gateway>',
  describe: 'Restore a gateway that was reinstalled, from anywhere, without touching a device',
  builder: (argv) =>
    workOptions(
      inventoryArgument(argv).positional('gateway', {
        type: 'string',
        describe: 'The gateway; it is reinstalled, and you can log in to it',
        demandOption: true,
      }),
    )
      .option('playbook', { type: 'string', describe: 'A playbook of your own, TypeScript or JavaScript' })
      .option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'Do not ask for confirmation' })
      .option('wait', {
        type: 'number',
        default: 300,
        describe: 'Seconds to wait for the devices to dial in again; the wait ends as soon as all are back',
      })
      .example('provision restore-gateway vps', 'all its devices come back to it')
      .epilogue('docs/gateway-died.md') as never,
  async handler(argv) {
    const { restore } = await import('./restore/restore.ts')
    await restore(argv)
  },
}
