import type { CommandModule } from 'yargs'
import type { ByHandArguments } from './shared/by-hand.ts'
import { type ConnectArguments, connectOptions, inventoryOption } from './shared/options.ts'

interface Arguments extends ByHandArguments, Pick<ConnectArguments, 'timeout' | 'transport'> {
  page: string
  port: number
  https?: boolean
  browser: boolean
}

export const openCommand: CommandModule<unknown, Arguments> = {
  command: 'open <page>',
  describe: 'Show a web page of a device, or of a machine beside it, in the browser, until Ctrl-C',
  builder: (argv) =>
    connectOptions(inventoryOption(argv))
      .positional('page', {
        type: 'string',
        describe: 'NAME, NAME:PORT, or NAME:HOST:PORT for a machine that the device can reach, such as a printer',
        demandOption: true,
      })
      .option('port', { type: 'number', default: 0, describe: 'The port on this machine; default: a free one' })
      .option('https', { type: 'boolean', describe: 'It speaks https; default: on the ports 443 and 8443' })
      .option('browser', {
        type: 'boolean',
        default: true,
        describe: 'Only print the address, and start no browser',
      })
      .example('provision open pi1:8080', 'a page of the device')
      .example('provision open pi1:printer:80', 'a page of a printer beside it')
      .epilogue('docs/guide.md#a-web-page-of-a-device') as never,
  async handler(argv) {
    const [{ chosenInventory }, { parsePage, schemeOf }, { openPage }, { hosts }, { named }, { InventoryError }] =
      await Promise.all([
        import('./shared/by-hand.ts'),
        import('../remote/page.ts'),
        import('./shared/open-page.ts'),
        import('../inventory/model.ts'),
        import('./shared/named.ts'),
        import('../errors.ts'),
      ])
    const page = parsePage(argv.page)
    if (!Number.isInteger(argv.port) || argv.port < 0 || argv.port > 65_535)
      throw new InventoryError('--port takes a port, from 1 to 65535')
    const inventory = await chosenInventory(argv)
    const host = named(page.name, hosts(inventory))
    const scheme = argv.https === undefined ? schemeOf(page) : argv.https ? 'https' : 'http'
    await openPage(inventory, host, { page, scheme, argv })
  },
}
