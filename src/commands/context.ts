import { join } from 'node:path'
import type { Inventory } from '../inventory/model.ts'
import { openPins, type PinsOptions } from '../pins.ts'
import { type ReachContext, reachContext } from '../reach.ts'
import { wire } from '../session.ts'
import { askPassword } from './ask.ts'
import type { LoginArguments } from './options.ts'

/**
 * All that logins of one command share: the pins beside the inventory (`pins` says what becomes of keys that are not known),
 * the user's own keys, and the password of sudo, asked for where that was wished.
 */
export async function contextOf(
  inventory: Inventory,
  argv: Pick<LoginArguments, 'timeout' | 'askSudoPassword' | 'transport'> & { readonly forks?: number },
  pins: Omit<PinsOptions, 'file' | 'knownHosts'> = {},
): Promise<ReachContext> {
  const { PROVISION_KNOWN_HOSTS: knownHosts, PROVISION_SUDO_PASSWORD: password } = process.env
  return reachContext(inventory, {
    forks: argv.forks,
    wire: wire({
      env: process.env,
      connectTimeoutMs: argv.timeout * 1000,
      transport: argv.transport,
      sudoPassword: argv.askSudoPassword ? await askPassword('sudo password: ') : password,
      pins: openPins({ file: join(inventory.directory, 'known_hosts'), knownHosts, inventory, ...pins }),
    }),
  })
}
