import { setTimeout as wait } from 'node:timers/promises'
import { type Folders, temporaryFolders } from '../../files/temporary-folders.ts'
import type { Login } from '../../inventory/model.ts'
import type { HostKey, Pins } from '../host-keys/pins.ts'
import { copyWithout } from '../user-config/config-copy.ts'
import type { ConfigFile } from '../user-config/config-tree.ts'
import { directConfigs, type KnownInventory } from '../user-config/direct-config.ts'
import type { LeftOut } from '../user-config/left-out.ts'
import { askSsh } from '../user-config/query.ts'
import { type UserConfig, userConfig } from '../user-config/user-config.ts'
import { cached } from './cached.ts'
import { type Connections, connections } from './connections.ts'
import { type Keyring, keyring } from './identity.ts'

/** What a run cost; counted up as it goes. */
export interface Counts {
  /** Sockets to an sshd, tries that failed and jumps included. */
  connections: number
  /** Sessions that were authenticated. */
  logins: number
  execs: number
  forwards: number
  /** Connections tried again because sshd closed the connection before its banner. */
  retries: number
}

export function noCounts(): Counts {
  return { connections: 0, logins: 0, execs: 0, forwards: 0, retries: 0 }
}

/** What every connection of one run shares. Make it once. */
export interface Wire {
  readonly pins: Pins
  readonly counts: Counts
  readonly keys: Keyring
  /** For TCP, for a forward to open, and for the login after it, each. */
  readonly connectTimeoutMs: number
  readonly sudoPassword: string | undefined
  /** For every host, whatever the inventory says of it. */
  readonly transport: Login['transport'] | undefined
  /** For the programs that are run here. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly folders: Folders
  /** All that is open, or being opened. */
  readonly connections: Connections
  /** Host keys, by host, that a pinned fingerprint or a certificate was resolved to. */
  readonly resolvedHostKeys: Map<string, HostKey>
  /** Most bytes that one exec may write. */
  readonly capBytes: number
  /** The user's ssh_config for a name, asked once; its route is that to the host itself, never a forward. */
  userConfig(name: string): Promise<UserConfig>
  random(): number
  sleep(ms: number): Promise<unknown>
  clock(): Date
}

export interface WireOptions {
  readonly pins: Pins
  /** Whose gateways and forwards an entry of the user's ssh_config may lead to. Absent: none are known. */
  readonly inventory?: KnownInventory | undefined
  /** HOME, PATH, SSH_AUTH_SOCK are read. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly counts?: Counts
  /** Absent: its own. */
  readonly connections?: Connections
  /** Default 10 000. */
  readonly connectTimeoutMs?: number | undefined
  readonly sudoPassword?: string | undefined
  /** Absent: as the inventory has it for each host. */
  readonly transport?: Login['transport'] | undefined
  /** Instead of the user's ssh_config, as `ssh -F`: a path, or `none`. */
  readonly sshConfig?: string | undefined
  /** Default 16 MiB. */
  readonly capBytes?: number
  readonly random?: () => number
  readonly sleep?: (ms: number) => Promise<unknown>
  readonly clock?: () => Date
}

export function wire(options: WireOptions): Wire {
  const all = options.connections ?? connections()
  const temporary = temporaryFolders()
  return {
    pins: options.pins,
    counts: options.counts ?? noCounts(),
    keys: keyring(all),
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    sudoPassword: options.sudoPassword || undefined,
    transport: options.transport,
    env: options.env,
    folders: temporary,
    connections: all,
    resolvedHostKeys: new Map(),
    capBytes: options.capBytes ?? 16 * 1024 * 1024,
    userConfig: userConfigs(options, temporary, all),
    random: options.random ?? Math.random,
    sleep: options.sleep ?? ((ms) => wait(ms, undefined, { signal: all.ended }).catch(() => undefined)),
    clock: options.clock ?? (() => new Date()),
  }
}

function userConfigs({ sshConfig: file, env, inventory }: WireOptions, temporary: Folders, all: Connections) {
  const asking = (from: string | undefined) => {
    const ask = askSsh({ file: from, env, signal: all.ended })
    return cached((name) => userConfig(name, ask, env))
  }
  const whole = asking(file)
  if (inventory === undefined) return whole
  const copy = async (files: readonly ConfigFile[], leftOut: LeftOut) => {
    const folder = await temporary.make()
    all.hold(() => void temporary.remove(folder))
    return copyWithout(files, leftOut, folder)
  }
  // Where nothing can be written, as without any configuration.
  const without = async (...what: Parameters<typeof copy>) => asking(await copy(...what).catch(() => 'none'))
  return cached(directConfigs({ inventory, whole, file, env, without }))
}
