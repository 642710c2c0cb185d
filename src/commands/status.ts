import type { CommandModule } from 'yargs'
import { type StatusArguments, statusOptions } from './shared/options.ts'

export const statusCommand: CommandModule<unknown, StatusArguments> = {
  command: 'status <inventory>',
  describe: 'Show which devices are up, since when, and what to do about those that are down; ask the gateways alone',
  builder: statusOptions as never,
  async handler(argv) {
    const { showStatus } = await import('./shared/show-status.ts')
    await showStatus(argv)
  },
}
