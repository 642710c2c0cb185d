import type { Argv, CommandModule } from 'yargs'
import { defaultForks } from '../turns.ts'
import { loginOptions } from './options.ts'

const options = (argv: Argv) =>
  loginOptions(
    argv
      .positional('inventory', { type: 'string', describe: 'The inventory, a JSON file', demandOption: true })
      .option('limit', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Only forwards of devices, gateways or groups of this name or glob; repeatable',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON document; with --watch one a line' })
      .option('html', { type: 'string', requiresArg: true, describe: 'Also write a page of its own to this file' })
      .option('watch', { type: 'boolean', default: false, describe: 'Look again and again, until Ctrl-C' })
      .option('interval', { type: 'number', default: 5, describe: 'Seconds between two looks of --watch' })
      .option('forks', { type: 'number', default: defaultForks, describe: 'Hosts that are logged in to at once' }),
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
