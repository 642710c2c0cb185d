import type { CommandModule } from 'yargs'
import { inventoryArgument } from './shared/options.ts'

interface Arguments {
  inventory: string
  format: 'ansible'
  list?: boolean
  host?: string
  out?: string
}

export const exportCommand: CommandModule<unknown, Arguments> = {
  command: 'export <inventory>',
  describe: 'Print the inventory for another program, which then uses the same tunnels and pinned host keys',
  builder: (argv) =>
    inventoryArgument(argv)
      .option('format', {
        choices: ['ansible'] as const,
        demandOption: true,
        describe: 'The program that reads the output',
      })
      .option('list', { type: 'boolean', describe: 'Answer as a dynamic inventory: all hosts' })
      .option('host', { type: 'string', requiresArg: true, describe: 'Answer as a dynamic inventory: one host' })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'Write it to this folder, with its known_hosts file, so that the folder can be moved as a whole',
      })
      .conflicts('list', 'host')
      .conflicts('out', ['list', 'host'])
      .example('provision export --format ansible --list', 'as a dynamic inventory')
      .epilogue('docs/fleets.md') as never,
  async handler(argv) {
    const [{ readInventory }, { exported }] = await Promise.all([
      import('../inventory/read/inventory.ts'),
      import('./shared/write-export.ts'),
    ])
    await exported(await readInventory(argv.inventory), argv)
  },
}
