import { errorCode } from '../files/atomic.ts'
import type { Gateway, Inventory, Kept, SpareHostKey } from '../inventory/model.ts'
import type { ObservedKeys } from '../playbook/playbook.ts'
import type { Report } from '../report/report.ts'
import { fingerprintOf, hostKeyText } from '../ssh/host-keys/known-hosts.ts'
import type { Pins } from '../ssh/host-keys/pins.ts'
import { type SpareFiles, spareFiles } from '../ssh/host-keys/spare-files.ts'
import { type KeptFile, type KeptSpares, keptPath, readKeptFile, rewriteKeptFile } from './kept-file.ts'

/** What it takes to bring a gateway back, as one run finds it and leaves it. */
export interface KeptKeys {
  readonly kept: Kept
  /** After a run that changes. A folder that cannot be written costs a note, no more. */
  keep(observed: ObservedKeys): Promise<void>
}

export interface Keeping {
  readonly command: Report['command']
  /** Spare host keys may be made: not for a plan that was looked at before. */
  readonly makes: boolean
  readonly pins: Pick<Pins, 'for'>
  /** `alice on laptop`, for the other admins. */
  readonly who: string
  readonly note: (text: string) => void
}

const none: KeptSpares = { keys: [], former: [] }

/**
 * Reads what is kept, and before a run that changes sees to it that each gateway has a spare host key: one that the
 * gateway proves itself is a spare no more, and gets a next one.
 * @throws InventoryError for a file that cannot be relied on
 */
export async function keptKeys(inventory: Inventory, keeping: Keeping): Promise<KeptKeys> {
  const path = keptPath(inventory)
  const files = spareFiles(inventory.directory)
  const file = await readKeptFile(path)
  const warnings: string[] = []
  const spares: Record<string, KeptSpares> = {}
  for (const gateway of inventory.gateways) {
    if (!inventory.devices.some(({ forwards }) => forwards.some((forward) => forward.gateway === gateway.name)))
      continue
    const found = await sparesOf(gateway, { inventory, file, files, keeping })
    spares[gateway.name] = found
    const warning = await warningOf(gateway, found.keys.at(-1), { files, keeping })
    if (warning === undefined) continue
    if (keeping.command === 'verify') warnings.push(warning)
    else if (keeping.command === 'apply' && found.keys.length > 0) keeping.note(warning)
  }
  return {
    kept: {
      tunnelKeys: file.tunnelKeys,
      spareHostKeys: Object.fromEntries(Object.entries(spares).map(([gateway, { keys }]) => [gateway, keys])),
      warnings,
    },
    async keep(observed) {
      const after = keptAfter({ ...file, spareHostKeys: spares }, observed)
      try {
        for (const [gateway, { keys }] of Object.entries(after.spareHostKeys))
          if (keys.length === 1 && keys[0]) await files.promote(gateway, keys[0].key)
        await rewriteKeptFile(path, ({ tunnelKeys, spareHostKeys }) =>
          keptAfter({ version: 1, tunnelKeys, spareHostKeys: { ...spareHostKeys, ...spares } }, observed),
        )
      } catch (error) {
        keeping.note(`what brings a gateway back cannot be kept in ${path}: ${reason(error)}`)
      }
    },
  }
}

interface Finding {
  readonly inventory: Inventory
  readonly file: KeptFile
  readonly files: SpareFiles
  readonly keeping: Keeping
}

/** The spare host keys of a gateway in this run, the newest last; a new one where one is due. */
async function sparesOf(gateway: Gateway, { inventory, file, files, keeping }: Finding): Promise<KeptSpares> {
  const kept = file.spareHostKeys[gateway.name] ?? none
  const newest = kept.keys.at(-1)
  const known = [...kept.keys.map(({ key }) => key), ...kept.former]
  // Of another inventory in the same folder, or from before the file was lost.
  const here = await files.current(gateway.name)
  if (here && !known.includes(here.publicKey)) return withSpare(kept, here.publicKey, keeping)
  const asked = inventory.rotate?.spareHostKey === gateway.name && kept.keys.length < 2
  const due = newest ? asked || (await isSpent(gateway, newest, keeping)) : !hasAuthority(gateway)
  if (!due || !keeping.makes || keeping.command !== 'apply') return kept
  try {
    const place = newest ? 'next' : 'current'
    return withSpare(kept, await files.make(gateway.name, place), keeping)
  } catch (error) {
    keeping.note(`${gateway.name}: no spare host key can be made in ${files.folder}: ${reason(error)}`)
    return kept
  }
}

const withSpare = ({ keys, former }: KeptSpares, key: string, { who }: Keeping): KeptSpares => ({
  keys: [...keys, { key, madeBy: who, trustedBy: [] }],
  former,
})

/** Who signs certificates of the gateway brings it back without a spare. */
export const hasAuthority = ({ hostKeys }: Gateway) => hostKeys.some((pin) => pin.startsWith('@cert-authority '))

/** The gateway itself proves it. */
async function isSpent(gateway: Gateway, { key }: SpareHostKey, { pins }: Keeping): Promise<boolean> {
  const { keys, fingerprints } = await pins.for(gateway)
  return keys.map(hostKeyText).includes(key) || fingerprints.includes(fingerprintOf(key))
}

const makesOne = 'the next run on an admin machine (not in a CI) makes one'

async function warningOf(
  gateway: Gateway,
  newest: SpareHostKey | undefined,
  { files, keeping }: Pick<Finding, 'files' | 'keeping'>,
): Promise<string | undefined> {
  const { name } = gateway
  if (newest === undefined)
    return hasAuthority(gateway) ? undefined : `${name}: it has no spare host key yet; ${makesOne}`
  if (await isSpent(gateway, newest, keeping))
    return `${name}: what was its spare host key is in use, and no other is there yet; ${makesOne}`
  if (await files.find(name, newest.key)) return undefined
  return `${name}: the private half of its spare host key ${fingerprintOf(newest.key)} is not in ${files.pathOf(name)}: ${newest.madeBy} made it and can bring the gateway back; if it is lost: provision rotate INVENTORY --spare-host-key ${name}`
}

/**
 * What is kept after a run: of devices that were seen the news, of others what was known of them, of former ones
 * nothing.
 */
export function keptAfter(file: KeptFile, { devices, tunnelKeys, trusted }: ObservedKeys): KeptFile {
  const all = new Set(Object.values(devices).flat())
  const keys = [...all].flatMap((name) => {
    const found = tunnelKeys[name] ?? file.tunnelKeys[name]
    return found && found.length > 0 ? [[name, found] as const] : []
  })
  const spares = Object.keys(devices).flatMap((gateway) => {
    const spare = file.spareHostKeys[gateway]
    return spare ? [[gateway, sparesAfter(spare, devices[gateway] ?? [], trusted[gateway] ?? {})] as const] : []
  })
  return {
    ...file,
    tunnelKeys: Object.fromEntries(keys),
    spareHostKeys: { ...file.spareHostKeys, ...Object.fromEntries(spares) },
  }
}

/** A next spare that every device trusts is the only one. */
function sparesAfter(
  { keys, former }: KeptSpares,
  devices: readonly string[],
  trusted: Readonly<Record<string, readonly string[]>>,
): KeptSpares {
  const now = keys.map((spare) => ({
    ...spare,
    trustedBy: devices.filter((name) => trusted[name]?.includes(spare.key) ?? spare.trustedBy.includes(name)).sort(),
  }))
  const newest = now.at(-1)
  if (!newest || now.length === 1 || newest.trustedBy.length < devices.length) return { keys: now, former }
  return { keys: [newest], former: [...former, ...keys.slice(0, -1).map(({ key }) => key)] }
}

function reason(error: unknown): string {
  if (error instanceof SyntaxError) return 'somebody has broken it meanwhile'
  const code = errorCode(error)
  if (code === undefined) throw error
  return code === 'EACCES' || code === 'EROFS' ? 'the folder may not be written to' : code
}
