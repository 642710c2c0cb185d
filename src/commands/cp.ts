import type { CommandModule } from 'yargs'
import type { ByHandArguments } from './shared/by-hand.ts'
import { type ConnectArguments, connectOptions, inventoryOption, strictForksOption } from './shared/options.ts'

interface Arguments extends ByHandArguments, Pick<ConnectArguments, 'timeout' | 'transport'> {
  places: string[]
  forks: number
}

export const cpCommand: CommandModule<unknown, Arguments> = {
  command: 'cp <places..>',
  describe: 'Copy a file to hosts, or from one: provision cp FILE NAME:PATH, provision cp NAME:PATH FILE',
  builder: (argv) =>
    connectOptions(strictForksOption(inventoryOption(argv)))
      .positional('places', {
        type: 'string',
        array: true,
        describe: 'FILE NAME:PATH…, NAME being a host, a group or a glob; or NAME:PATH FILE',
        demandOption: true,
      })
      .example('provision cp app.conf pi1:/tmp/', 'to a device')
      .example('provision cp pi1:/var/log/syslog .', 'and from one')
      .epilogue('docs/guide.md#a-file-there-and-back') as never,
  async handler(argv) {
    const [{ chosenInventory }, { copyingOf }, { copy }] = await Promise.all([
      import('./shared/by-hand.ts'),
      import('../remote/place.ts'),
      import('./shared/copy.ts'),
    ])
    const copying = copyingOf(argv.places)
    await copy(await chosenInventory(argv), copying, argv)
  },
}
