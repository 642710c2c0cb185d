import type { CommandModule } from 'yargs'
import { inventoryArgument } from './shared/options.ts'

interface Arguments {
  inventory: string
  names: string[]
  gateway: string[]
  group?: string
  address?: string
  to: string
}

export const addCommand: CommandModule<unknown, Arguments> = {
  command: 'add <inventory> <names..>',
  describe: 'Add new devices to the inventory, each with a free port on its gateways; contact no host',
  builder: (argv) =>
    inventoryArgument(argv)
      .positional('names', { type: 'string', array: true, describe: 'The new devices', demandOption: true })
      .option('gateway', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        defaultDescription: 'gateways with "ports"',
        describe: 'The gateway to open a port on; repeatable',
      })
      .option('group', { type: 'string', requiresArg: true, describe: 'Add the devices to this group' })
      .option('address', {
        type: 'string',
        requiresArg: true,
        describe: 'The address at which you reach the device; for one device only',
      })
      .option('to', {
        type: 'string',
        requiresArg: true,
        default: 'localhost:22',
        describe: 'The HOST:PORT that the forward leads to, as the device sees it',
      })
      .example('provision add pi2 pi3', 'each gets a free port on its gateways')
      .example('provision add pi2 --group sensors', 'in a group, with its settings')
      .epilogue('docs/fleets.md') as never,
  async handler(argv) {
    const [{ rewriteInventory }, { withDevices }, { printForward }] = await Promise.all([
      import('./shared/rewrite-inventory.ts'),
      import('../inventory/edit/add-devices.ts'),
      import('../inventory/forward.ts'),
    ])
    const wanted = { ...argv, gateways: argv.gateway, to: await targetOf(argv.to) }
    const added = await rewriteInventory(argv.inventory, (text, read) => withDevices(text, wanted, read))
    for (const { name, forwards } of added.devices) {
      if (forwards.length === 0) process.stdout.write(`${name}\n`)
      for (const forward of forwards) process.stdout.write(`${name}  ${printForward(forward)} on ${forward.gateway}\n`)
    }
    process.stderr.write(
      `written to ${argv.inventory}; next, pin the new host keys: provision trust ${argv.inventory}\n`,
    )
  },
}

/** @throws InventoryError */
async function targetOf(to: string) {
  const [{ parseForward }, { InventoryError }] = await Promise.all([
    import('../inventory/forward.ts'),
    import('../errors.ts'),
  ])
  const read = parseForward(`9000:${to}`)
  if ('words' in read && read.words.bindAddress === undefined)
    return { host: read.words.host, hostPort: read.words.hostPort }
  throw new InventoryError(`--to takes a host and a port, not ${to}`, 'such as localhost:22')
}
