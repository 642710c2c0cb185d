import type { CommandModule } from 'yargs'

interface Arguments {
  inventory: string
  old: string
  new: string
}

export const renameCommand: CommandModule<unknown, Arguments> = {
  command: 'rename <inventory> <old> <new>',
  describe: 'Give a device another name, also one that has it in the file already: its tunnel stays; contacts nobody',
  builder: (argv) =>
    argv
      .positional('inventory', { type: 'string', describe: 'The inventory, a JSON file', demandOption: true })
      .positional('old', { type: 'string', describe: 'The device, by the name that it had', demandOption: true })
      .positional('new', { type: 'string', describe: 'Its new name', demandOption: true }) as never,
  async handler({ inventory, old: from, new: to }) {
    const { renameDevice } = await import('./shared/rename-device.ts')
    for (const line of await renameDevice(inventory, { from, to })) process.stdout.write(`${line}\n`)
    process.stderr.write(`next: provision verify ${inventory} --limit ${to}\n`)
  },
}
