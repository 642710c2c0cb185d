import type { CommandModule } from 'yargs'
import type { ByHandArguments } from './shared/by-hand.ts'
import { type ConnectArguments, connectOptions, inventoryOption } from './shared/options.ts'

interface Arguments extends ByHandArguments, Pick<ConnectArguments, 'timeout' | 'transport'> {
  name: string
  command?: string[]
  '--'?: string[]
  tty: boolean
}

export const sshCommand: CommandModule<unknown, Arguments> = {
  command: 'ssh <name> [command..]',
  describe: 'Log in to a host by whatever route works, or run one command there: provision ssh NAME -- COMMAND',
  builder: (argv) =>
    connectOptions(inventoryOption(argv))
      .positional('name', { type: 'string', describe: 'A device or a gateway', demandOption: true })
      .positional('command', { type: 'string', array: true, describe: 'The command; it stands after --' })
      .option('tty', {
        alias: 't',
        type: 'boolean',
        default: false,
        describe: 'Run the command in a terminal',
      })
      .example('provision ssh pi1', 'a shell there')
      .example('provision ssh pi1 -- df -h', 'one command')
      .epilogue('docs/guide.md#day-by-day') as never,
  async handler(argv) {
    const [{ commandWords, chosenInventory }, { hosts }, { named }, { lineOf }, { InventoryError }] = await Promise.all(
      [
        import('./shared/by-hand.ts'),
        import('../inventory/model.ts'),
        import('./shared/named.ts'),
        import('../remote/line.ts'),
        import('../errors.ts'),
      ],
    )
    const words = commandWords(argv, `provision ssh ${argv.name}`)
    const inventory = await chosenInventory(argv)
    const host = named(argv.name, hosts(inventory))
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY
    if (argv.tty && !isTerminal) throw new InventoryError('--tty needs a terminal', 'leave it out')
    if (isTerminal && (argv.tty || words.length === 0)) {
      const { logInTo } = await import('./shared/log-in-to.ts')
      return logInTo(inventory, host, { line: words.length === 0 ? undefined : lineOf(words), argv })
    }
    const { runOnHosts } = await import('./shared/run-on-hosts.ts')
    // Without a command the shell there reads what comes in.
    const line = words.length === 0 ? 'exec $SHELL' : lineOf(words)
    await runOnHosts(inventory, [host], { line, sudo: false, argv: { ...argv, forks: 1 } })
  },
}
