import type { CommandModule } from 'yargs'
import { type ImportSource, sources } from '../import/sources.ts'

interface Arguments {
  file: string
  from?: ImportSource
  gateway: string[]
  ports?: string
  out?: string
}

export const importCommand: CommandModule<unknown, Arguments> = {
  command: 'import <file>',
  describe: 'Make an inventory of one of Ansible (INI, YAML, JSON) or of an ssh_config, and say what is not in it',
  builder: (argv) =>
    argv
      .positional('file', { type: 'string', describe: 'Such as hosts.ini, or ~/.ssh/config', demandOption: true })
      .option('from', { choices: sources, describe: 'What the file is, where it does not show' })
      .option('gateway', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        defaultDescription: 'those that others jump through',
        describe: 'A host, or a group of hosts, that everybody can reach; repeatable',
      })
      .option('ports', { type: 'string', requiresArg: true, describe: 'Give devices without a forward one of these' })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'Write it to this new file, not to stdout',
      }) as never,
  async handler({ file, from, gateway: gateways, ports, out }) {
    const [
      { basename },
      { readFound },
      { inventoryOf },
      { printInventory },
      { parseInventory, surroundingsOf },
      { identified },
    ] = await Promise.all([
      import('node:path'),
      import('../import/read.ts'),
      import('../import/inventory-of.ts'),
      import('../import/print.ts'),
      import('../inventory/read/inventory.ts'),
      import('./shared/identify.ts'),
    ])
    const { file: made, left } = inventoryOf(await readFound(file, from, process.env), { gateways, ports })
    const text = printInventory(made, `Made of ${basename(file)} by provision import.`)
    if (out === undefined) process.stdout.write(text)
    else {
      const { createInventory } = await import('./shared/create-inventory.ts')
      for (const line of await createInventory(out, identified(text))) process.stdout.write(`${line}\n`)
    }
    const { clean } = await import('../report/terminal/text.ts')
    for (const sentence of left) process.stderr.write(`not taken over: ${clean(sentence)}\n`)
    // Right in itself, or told line by line what is not.
    parseInventory(text, surroundingsOf(out ?? 'inventory.json'))
  },
}
