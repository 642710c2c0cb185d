import { join } from 'node:path'
import type { Inventory } from '../inventory/model.ts'
import { openPins, type Pins, type PinsOptions } from '../pins.ts'
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
  argv: Pick<LoginArguments, 'timeout' | 'askSudoPassword' | 'transport'> & {
    readonly forks?: number
    /** Asked for already, by a command that logs in more than once. */
    readonly sudoPassword?: string | undefined
  },
  pins: Omit<PinsOptions, 'file' | 'knownHosts'> = {},
): Promise<ReachContext> {
  const { PROVISION_SUDO_PASSWORD: password } = process.env
  return reachContext(inventory, {
    forks: argv.forks,
    wire: wire({
      env: process.env,
      connectTimeoutMs: argv.timeout * 1000,
      transport: argv.transport,
      sudoPassword: argv.sudoPassword ?? (argv.askSudoPassword ? await askPassword('sudo password: ') : password),
      pins: pinsOf(inventory, pins),
    }),
  })
}

export function pinsOf({ directory }: Inventory, pins: Omit<PinsOptions, 'file' | 'knownHosts'> = {}): Pins {
  return openPins({ file: join(directory, 'known_hosts'), knownHosts: process.env.PROVISION_KNOWN_HOSTS, ...pins })
}
