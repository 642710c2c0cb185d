import type { CommandModule } from 'yargs'
import type { RestoreArguments } from './restore/restoration.ts'
import { inventoryArgument, workOptions } from './shared/options.ts'

export const restoreGatewayCommand: CommandModule<unknown, RestoreArguments> = {
  command: 'restore-gateway <inventory> <gateway>',
  describe: 'Bring back a gateway that was installed anew, from anywhere, with no device touched',
  builder: (argv) =>
    workOptions(
      inventoryArgument(argv).positional('gateway', {
        type: 'string',
        describe: 'The gateway: installed anew, and you can log in to it',
        demandOption: true,
      }),
    )
      .option('playbook', { type: 'string', describe: 'A playbook of your own, TypeScript or JavaScript' })
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask' })
      .option('wait', {
        type: 'number',
        default: 300,
        describe: 'Seconds to wait for the tunnels of devices, which dial by themselves; ends as soon as all are back',
      }) as never,
  async handler(argv) {
    const { restore } = await import('./restore/restore.ts')
    await restore(argv)
  },
}
