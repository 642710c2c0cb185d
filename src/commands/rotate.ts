import type { CommandModule } from 'yargs'
import type { Inventory } from '../inventory/model.ts'
import { named } from './named.ts'
import { type RunArguments, runOptions } from './options.ts'

type Arguments = RunArguments & { hostKey?: string }

export const rotate: CommandModule<unknown, Arguments> = {
  command: 'rotate <inventory>',
  describe: 'Give a gateway new host keys; nobody is cut, and who was away is waited for',
  builder: (argv) =>
    runOptions(argv).option('host-key', {
      type: 'string',
      describe: 'The gateway that gets new host keys',
      demandOption: true,
    }) as never,
  async handler(argv) {
    const { run } = await import('./run.ts')
    await run('apply', argv, { wish: (inventory) => wished(inventory, argv) })
  },
}

function wished(inventory: Inventory, { hostKey }: Arguments): Inventory {
  return { ...inventory, rotate: hostKey === undefined ? {} : { hostKeys: named(hostKey, inventory.gateways).name } }
}
