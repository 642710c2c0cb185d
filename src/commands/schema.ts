import type { CommandModule } from 'yargs'

export const schemaCommand: CommandModule<unknown, { inventory?: string }> = {
  command: 'schema [inventory]',
  describe: 'Print the JSON schema of inventories, or check an inventory; contact no host',
  builder: (argv) =>
    argv
      .positional('inventory', {
        type: 'string',
        describe: 'The inventory to check, against the schema and for mistakes that a schema cannot find',
      })
      .example('provision schema', 'for your editor')
      .example('provision schema inventory.json', 'is this inventory correct?')
      .epilogue('inventory/README.md') as never,
  async handler({ inventory: file }) {
    if (file !== undefined) return check(file)
    const { readFile } = await import('node:fs/promises')
    process.stdout.write(await readFile(new URL('./schema.json', import.meta.url), 'utf8'))
  },
}

/** @throws InventoryError which says what is wrong, and where */
async function check(file: string): Promise<void> {
  const { readInventory } = await import('../inventory/read/inventory.ts')
  const [{ remarksOn }, { existsSync }] = await Promise.all([import('../inventory/read/remarks.ts'), import('node:fs')])
  const inventory = await readInventory(file)
  const { gateways, devices } = inventory
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
  const forwards = devices.flatMap((device) => device.forwards).length
  process.stdout.write(
    `${file}: correct: ${count(gateways.length, 'gateway')}, ${count(devices.length, 'device')}, ${count(forwards, 'forward')}\n`,
  )
  const { clean } = await import('../report/inert.ts')
  for (const remark of remarksOn(inventory, existsSync)) process.stderr.write(`note: ${clean(remark)}\n`)
}
