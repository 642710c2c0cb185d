import type { CommandModule } from 'yargs'
import { ConnectError, InventoryError, ProvisionError } from '../errors.ts'
import { type Device, type Gateway, hosts, type Inventory } from '../inventory/model.ts'
import type { HostKey, Pins, PinVerdict } from '../ssh/host-keys/pins.ts'
import type { ReachContext } from '../ssh/reach/reach.ts'
import { forksOption, inventoryArgument, transportOption } from './shared/options.ts'

// One line for each host on stdout: name, key type, fingerprint, and known, new, CHANGED, REVOKED or unreachable.
// Questions and errors go to stderr.

interface TrustArguments {
  readonly inventory: string
  readonly yes: boolean
  readonly acceptNewHostKey?: readonly string[] | undefined
  readonly timeout: number
  readonly forks: number
  readonly transport?: 'node-ssh' | 'openssh' | undefined
}

/** `provision trust INVENTORY`: fetch host keys, show fingerprints, ask, pin them beside the inventory. */
export const trustCommand: CommandModule<object, TrustArguments> = {
  command: 'trust <inventory>',
  describe: 'Fetch host keys, show their fingerprints, ask, and pin them beside the inventory',
  builder: (yargs) =>
    forksOption(transportOption(inventoryArgument(yargs)))
      .option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'Pin new keys without asking' })
      .option('accept-new-host-key', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Replace the pinned host key of this reinstalled host; repeatable',
      })
      .option('timeout', { type: 'number', default: 10, describe: 'Seconds to wait for an answer' })
      .example('provision trust', 'shows the fingerprints, and asks')
      .epilogue('docs/guide.md#host-keys'),
  async handler(words) {
    if (!words.yes && !process.stdin.isTTY) {
      throw new InventoryError(
        'there is no terminal to ask on',
        'compare the fingerprints some other way and run again with --yes',
      )
    }
    const [{ readInventory }, { pinsOf }, { connected }, { askYes }] = await Promise.all([
      import('../inventory/read/inventory.ts'),
      import('./shared/pins-of.ts'),
      import('./shared/context.ts'),
      import('./shared/ask.ts'),
    ])
    const inventory = await readInventory(words.inventory)
    // Logins at gateways, to look through forwards, go by what is pinned already and ask nobody.
    await connected(inventory, { ...words, transport: words.transport, askSudoPassword: false }, (context) =>
      trustHosts(inventory, {
        context,
        pins: pinsOf(inventory, {
          inventory,
          onUnknown: async () => true,
          acceptNew: new Set(words.acceptNewHostKey),
        }),
        print: (line) => process.stdout.write(`${line}\n`),
        ask: words.yes ? async () => true : askYes,
      }),
    )
  },
}

export interface TrustIo {
  readonly context: ReachContext
  /** Pins what they are given: called only after `ask` said yes. */
  readonly pins: Pins
  print(line: string): void
  ask(question: string): Promise<boolean>
}

interface Seen {
  readonly host: Gateway | Device
  readonly key?: HostKey
  readonly verdict?: PinVerdict
  /** An authority that is pinned has signed it: there is nothing to pin. */
  readonly certified?: boolean
  readonly error?: ProvisionError
}

/**
 * Gateways first, since some devices can be reached through them only.
 * @throws ConnectError after all were looked at: a key has changed, was not trusted, or a host could not be reached
 */
export async function trustHosts(inventory: Inventory, io: TrustIo): Promise<void> {
  const width = Math.max(0, ...hosts(inventory).map(({ name }) => name.length))
  const failures = [
    ...(await trustSome(inventory.gateways, width, io)),
    ...(await trustSome(inventory.devices, width, io)),
  ]
  const worst =
    failures.find((error) => error.kind === 'changed-host-key') ??
    failures.find((error) => error.kind === 'unknown-host-key') ??
    failures[0]
  if (worst === undefined) return
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : ''
  throw new ConnectError(worst.kind, `${worst.message}${more}`, worst.hint)
}

async function trustSome(
  some: readonly (Gateway | Device)[],
  width: number,
  io: TrustIo,
): Promise<readonly ConnectError[]> {
  const { fingerprintOf } = await import('../ssh/host-keys/pins.ts')
  const seen = await Promise.all(some.map((host) => io.context.forks(() => look(host, io))))
  for (const { host, key, verdict, error } of seen) {
    const name = host.name.padEnd(width)
    if (key === undefined) io.print(`${name}  unreachable: ${error?.message}`)
    else io.print(`${name}  ${key.type}  ${fingerprintOf(key)}  ${verdict === undefined ? '' : WORDS[verdict]}`)
  }
  const fresh = seen.filter(({ verdict }) => verdict === 'unknown').length
  const agreed = fresh > 0 && (await io.ask(`pin ${fresh === 1 ? 'this new key' : `these ${fresh} new keys`}? [y/N] `))
  const failures: ConnectError[] = []
  for (const { host, key, verdict, certified, error } of seen) {
    if (error instanceof ConnectError)
      failures.push(new ConnectError(error.kind, `${host.name}: ${error.message}`, error.hint))
    if (key === undefined || certified) continue
    if (verdict === 'unknown' && !agreed) {
      failures.push(new ConnectError('unknown-host-key', `${host.name}: its host key was not pinned`))
      continue
    }
    await io.pins.settle(host, key).catch((problem: unknown) => {
      if (!(problem instanceof ConnectError)) throw problem
      failures.push(problem)
    })
  }
  return failures
}

const WORDS: Readonly<Record<PinVerdict, string>> = {
  known: 'known',
  unknown: 'new',
  changed: 'CHANGED',
  revoked: 'REVOKED',
}

async function look(host: Gateway | Device, io: TrustIo): Promise<Seen> {
  const [{ fetchHostKey }, { routesTo }, { undeclaredRoutes }, { judge }] = await Promise.all([
    import('../ssh/reach/fetch-host-key.ts'),
    import('../ssh/reach/reach.ts'),
    import('../ssh/reach/routes.ts'),
    import('../ssh/host-keys/pins.ts'),
  ])
  try {
    const ways = [...routesTo(host), ...(await undeclaredRoutes(host, io.context))]
    const { key, certified } = await fetchHostKey(host, ways, io.context)
    return { host, key, certified, verdict: certified ? 'known' : judge(await io.pins.for(host), key) }
  } catch (error) {
    if (error instanceof ProvisionError) return { host, error }
    throw error
  }
}
