import type { Argv, CommandModule } from 'yargs'
import { forksOption, inventoryArgument, limitOption, loginOptions } from './options.ts'

const options = (argv: Argv) =>
  loginOptions(
    forksOption(limitOption(inventoryArgument(argv), 'forwards of devices, gateways or groups'))
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON document; with --watch one a line' })
      .option('html', { type: 'string', requiresArg: true, describe: 'Also write a page of its own to this file' })
      .option('watch', { type: 'boolean', default: false, describe: 'Look again and again, until Ctrl-C' })
      .option('interval', { type: 'number', default: 5, describe: 'Seconds between two looks of --watch' }),
  )

export type StatusArguments = ReturnType<ReturnType<typeof options>['parseSync']>

export const status: CommandModule<unknown, StatusArguments> = {
  command: 'status <inventory>',
  describe: 'Which devices are there, since when, and what to do about those that are not; from the gateways alone',
  builder: options as never,
  async handler(argv) {
    const { showStatus } = await import('./show-status.ts')
    await showStatus(argv)
  },
}
