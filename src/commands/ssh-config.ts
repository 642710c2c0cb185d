import type { CommandModule } from 'yargs'
import type { Inventory } from '../inventory/model.ts'
import { inventoryArgument } from './shared/options.ts'

interface Arguments {
  inventory: string
  client?: string
  'known-hosts': boolean
  write: boolean
}

export const sshConfigCommand: CommandModule<unknown, Arguments> = {
  command: 'ssh-config <inventory>',
  describe: 'Print the ssh_config for the people who log in',
  builder: (argv) =>
    inventoryArgument(argv)
      .option('client', { type: 'string', describe: 'Print it for the people on this client of the inventory' })
      .option('known-hosts', {
        type: 'boolean',
        default: false,
        describe: 'Print the known_hosts lines instead',
      })
      .option('write', {
        type: 'boolean',
        default: false,
        describe: 'Write both to files of their own in ~/.ssh/config.d, and include them in ~/.ssh/config',
      })
      .example('provision ssh-config --write', 'from then on `ssh pi1` works')
      .epilogue('docs/guide.md#routes') as never,
  async handler(argv) {
    const [{ readInventory }, { pinsOf }, { clientConfig, knownHostsLines }, { InventoryError }] = await Promise.all([
      import('../inventory/read/inventory.ts'),
      import('./shared/pins-of.ts'),
      import('../ssh-config/ssh-config.ts'),
      import('../errors.ts'),
    ])
    if (argv.write && argv.knownHosts) {
      throw new InventoryError(
        '--write and --known-hosts cannot be used together',
        '--write also writes the known_hosts lines',
      )
    }
    const inventory = await readInventory(argv.inventory)
    const client = inventory.clients.find(({ name }) => name === argv.client)
    if (argv.client !== undefined && !client) {
      const names = inventory.clients.map(({ name }) => name).join(', ') || 'none'
      throw new InventoryError(`there is no client ${argv.client} in ${argv.inventory}`, `the clients are: ${names}`)
    }
    if (!argv.knownHosts && !argv.write) return void process.stdout.write(clientConfig(inventory, client))
    const pins = pinsOf(inventory)
    const { lines, missing } = await knownHostsLines(inventory, pins)
    if (argv.write) await write(inventory, (file) => clientConfig(inventory, client, file), lines)
    else process.stdout.write(lines.map((line) => `${line}\n`).join(''))
    if (missing.length) {
      throw new InventoryError(
        `no full host key is pinned for ${missing.join(', ')}`,
        `run \`provision trust ${argv.inventory}\`; a fingerprint alone is not enough for known_hosts`,
      )
    }
  },
}

async function write(inventory: Inventory, config: (knownHosts: string) => string, knownHosts: readonly string[]) {
  const [{ homedir }, { basename, join }, { writeBlocks }] = await Promise.all([
    import('node:os'),
    import('node:path'),
    import('../ssh-config/write.ts'),
  ])
  const file = join(inventory.directory, basename(inventory.file))
  for (const { file: name, changed } of await writeBlocks(homedir(), { inventory: file, config, knownHosts })) {
    process.stdout.write(`${name}  ${changed ? 'written' : 'unchanged'}\n`)
  }
}
