import type { Inventory } from '../../inventory/model.ts'
import type { PinsOptions } from '../../ssh/host-keys/pins.ts'
import { type ReachContext, reachContext } from '../../ssh/reach/reach.ts'
import { type Connections, connections } from '../../ssh/session/connections.ts'
import { wire } from '../../ssh/session/wire.ts'
import { askPassword } from './ask.ts'
import type { LoginArguments } from './options.ts'
import { pinsOf } from './pins-of.ts'

type Words = Pick<LoginArguments, 'timeout' | 'transport'> & {
  readonly askSudoPassword?: boolean
  readonly forks?: number
  /** Asked for already, by a command that logs in more than once. */
  readonly sudoPassword?: string | undefined
}
type PinsWanted = Omit<PinsOptions, 'file' | 'knownHosts'>

/**
 * The one place where a command gets its connections, and where all of them end: when its work is done, and when that
 * throws; those that are open, and those that are only being opened. Nothing of them keeps the process alive.
 * `pins` says what becomes of keys that are not known; the signal ends questions that nobody needs an answer to any
 * more.
 */
export async function connected<T>(
  inventory: Inventory,
  words: Words,
  work: (context: ReachContext) => Promise<T>,
  pins: (ended: AbortSignal) => PinsWanted = () => ({}),
): Promise<T> {
  const all = connections()
  try {
    return await work(await contextOf(inventory, words, all, pins(all.ended)))
  } finally {
    all.closeAll()
  }
}

/** The pins beside the inventory, the user's own keys, and the password of sudo, asked for where that was wished. */
async function contextOf(
  inventory: Inventory,
  words: Words,
  all: Connections,
  pins: PinsWanted,
): Promise<ReachContext> {
  const { PROVISION_SUDO_PASSWORD: password } = process.env
  return reachContext(inventory, {
    forks: words.forks,
    wire: wire({
      inventory,
      env: process.env,
      connections: all,
      connectTimeoutMs: words.timeout * 1000,
      transport: words.transport,
      sudoPassword: words.sudoPassword ?? (words.askSudoPassword ? await askPassword('sudo password: ') : password),
      pins: pinsOf(inventory, { inventory, ...pins }),
    }),
  })
}
