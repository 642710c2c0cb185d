import type { CommandModule } from 'yargs'

interface Arguments {
  inventory: string
  old: string
  new: string
}

export const renameCommand: CommandModule<unknown, Arguments> = {
  command: 'rename <inventory> <old> <new>',
  describe:
    'Rename a device, also after its name was changed in the file by hand; its tunnel stays as it is; contact no host',
  builder: (argv) =>
    argv
      .positional('inventory', {
        type: 'string',
        describe: 'The inventory; default: inventory.json here, else $PROVISION_INVENTORY',
        demandOption: true,
      })
      .positional('old', { type: 'string', describe: 'The old name of the device', demandOption: true })
      .positional('new', { type: 'string', describe: 'The new name of the device', demandOption: true })
      .example('provision rename pi1 kitchen', 'its tunnel stays as it is')
      .epilogue('docs/guide.md#a-device-gets-another-name') as never,
  async handler({ inventory, old: from, new: to }) {
    const { renameDevice } = await import('./shared/rename-device.ts')
    for (const line of await renameDevice(inventory, { from, to })) process.stdout.write(`${line}\n`)
    process.stderr.write(`next: provision verify ${inventory} --limit ${to}\n`)
  },
}
