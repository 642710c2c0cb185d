import type { CommandModule } from 'yargs'

export const schema: CommandModule = {
  command: 'schema',
  describe: 'Print the JSON schema of inventories',
  async handler() {
    const { readFile } = await import('node:fs/promises')
    process.stdout.write(await readFile(new URL('./schema.json', import.meta.url), 'utf8'))
  },
}
