import type { CommandModule } from 'yargs'
import type { ByHandArguments } from './shared/by-hand.ts'
import { inventoryOption, type LoginArguments, limitOption, loginOptions, strictForksOption } from './shared/options.ts'

interface Arguments extends ByHandArguments, Pick<LoginArguments, 'timeout' | 'askSudoPassword' | 'transport'> {
  command?: string[]
  '--'?: string[]
  limit?: string[]
  forks: number
  sudo: boolean
  group?: boolean
  json?: boolean
}

export const execCommand: CommandModule<unknown, Arguments> = {
  command: 'exec [command..]',
  describe: 'Run a command on all devices at once, by whatever route works: provision exec -- COMMAND',
  builder: (argv) =>
    loginOptions(strictForksOption(limitOption(inventoryOption(argv), 'hosts or groups')))
      .positional('command', { type: 'string', array: true, describe: 'The command; it stands after --' })
      .option('sudo', { type: 'boolean', default: false, describe: 'Run it as root' })
      .option('group', {
        type: 'boolean',
        describe: 'Print all that a host has written together, when it has ended',
      })
      .option('json', { type: 'boolean', describe: 'Print one JSON document when all have ended' })
      .conflicts('group', 'json')
      .example('provision exec -- uptime', 'on every device')
      .example('provision exec --sudo --limit garden -- apt-get -y upgrade', 'as root, on a group')
      .epilogue('docs/guide.md#a-command-on-all-devices') as never,
  async handler(argv) {
    const [{ commandWords, chosenInventory }, { hosts }, { limitOf }, { lineOf }, { runOnHosts }, { InventoryError }] =
      await Promise.all([
        import('./shared/by-hand.ts'),
        import('../inventory/model.ts'),
        import('./shared/limit.ts'),
        import('../remote/line.ts'),
        import('./shared/run-on-hosts.ts'),
        import('../errors.ts'),
      ])
    const words = commandWords(argv, 'provision exec')
    if (words.length === 0) throw new InventoryError('expected a command', 'provision exec -- uptime')
    const inventory = await chosenInventory(argv)
    const within = limitOf(argv.limit, inventory)
    const chosen = argv.limit ? hosts(inventory).filter(({ name }) => within(name)) : inventory.devices
    if (chosen.length === 0)
      throw new InventoryError(`${inventory.file} has no devices`, 'name a gateway with --limit, or add a device')
    await runOnHosts(inventory, chosen, { line: lineOf(words), sudo: argv.sudo, argv })
  },
}
