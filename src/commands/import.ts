import type { CommandModule } from 'yargs'
import { type ImportSource, sources } from '../import/sources.ts'

interface Arguments {
  file: string
  from?: ImportSource
  gateway: string[]
  ports?: string
  skip: string[]
  device?: string
  out?: string
}

export const importCommand: CommandModule<unknown, Arguments> = {
  command: 'import <file>',
  describe:
    'Make an inventory from one of Ansible (INI, YAML, JSON), an ssh_config, or units and commands with ssh -R, and list what was not imported',
  builder: (argv) =>
    argv
      .positional('file', {
        type: 'string',
        describe: 'The file to import, such as hosts.ini, ~/.ssh/config or my-tunnel.service; - is stdin',
        demandOption: true,
      })
      .option('from', { choices: sources, describe: 'The format of the file; default: detected' })
      .option('gateway', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        defaultDescription: 'hosts that others jump through',
        describe:
          'A gateway: a host, or a group of hosts, that everybody can reach; or a new one, as [USER@]HOST[:PORT]; repeatable',
      })
      .option('ports', {
        type: 'string',
        requiresArg: true,
        describe: 'Give each device without a forward one of these ports, such as 9000-9999',
      })
      .option('skip', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        defaultDescription: 'none',
        describe: 'Leave out this host, group of hosts, or glob of names; repeatable',
      })
      .option('device', {
        type: 'string',
        requiresArg: true,
        defaultDescription: 'this machine',
        describe: 'The device that runs these commands or this unit, or has this ssh_config',
      })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'Write the inventory to this new file, not to stdout',
      })
      .example('provision import ~/.ssh/config --out inventory.json', 'the hosts of an ssh_config')
      .example('provision import hosts.ini --gateway vps --out inventory.json', 'the hosts of Ansible')
      .epilogue('docs/fleets.md#from-ansible-or-from-an-ssh_config') as never,
  async handler({ file: word, from, gateway: gateways, ports, skip, device: devices, out }) {
    // yargs makes an empty text of a lone dash.
    const file = word === '' ? '-' : word
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
    const { clean } = await import('../report/inert.ts')
    const say = (sentence: string) => void process.stderr.write(`${clean(sentence)}\n`)
    const found = await readFound(file, { from, env: process.env, device: [devices].flat().at(-1), say })
    const { file: made, left, told } = inventoryOf(found, { gateways, ports, skip })
    const text = printInventory(made, `Made from ${file === '-' ? 'stdin' : basename(file)} by provision import.`)
    // Throws, with every mistake, where the result is not a correct inventory.
    parseInventory(text, surroundingsOf(out ?? 'inventory.json'))
    if (out === undefined) process.stdout.write(text)
    else {
      const { createInventory } = await import('./shared/create-inventory.ts')
      for (const line of await createInventory(out, identified(text))) process.stdout.write(`${line}\n`)
    }
    for (const sentence of told) say(sentence)
    for (const sentence of left) say(`not imported: ${sentence}`)
  },
}
