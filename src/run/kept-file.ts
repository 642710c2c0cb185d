import { basename, extname, join } from 'node:path'
import { isThere, rewrite } from '../files/atomic.ts'
import { readJsonFile } from '../files/json.ts'
import type { Inventory, Kept, SpareHostKey } from '../inventory/model.ts'

/** Of a gateway: its spare host keys, and those that were its spare once and are never taken for one again. */
export interface KeptSpares {
  readonly keys: readonly SpareHostKey[]
  readonly former: readonly string[]
}

/**
 * What is kept beside the inventory: public keys alone. Sorted and without times, so that only news is a difference in
 * git.
 */
export interface KeptFile {
  readonly version: 1
  readonly tunnelKeys: Kept['tunnelKeys']
  readonly spareHostKeys: Readonly<Record<string, KeptSpares>>
}

export const nothingKept: KeptFile = { version: 1, tunnelKeys: {}, spareHostKeys: {} }

/** `guest-lan.json` → `guest-lan.gateways.json`. */
export function keptPath({ file, directory }: Pick<Inventory, 'file' | 'directory'>): string {
  return join(directory, `${basename(file, extname(file))}.gateways.json`)
}

/**
 * @throws InventoryError: what is there cannot be relied on, and a run without it would take away what devices trust
 */
export async function readKeptFile(path: string): Promise<KeptFile> {
  if (!(await isThere(path))) return nothingKept
  return readJsonFile<KeptFile>(path, {
    what: 'file of public keys as provision keeps it',
    hint: 'has git left its marks in it? Mend it, or take the newest version; where it is lost, delete it, and the next run keeps anew',
    isWhole,
  })
}

/**
 * From what it says at that moment: another run may have written it meanwhile. Readers see the old file or the new one.
 */
export function rewriteKeptFile(path: string, change: (now: KeptFile) => KeptFile): Promise<void> {
  return rewrite(path, (before) => print(change(before === '' ? nothingKept : (JSON.parse(before) as KeptFile))))
}

function print({ tunnelKeys, spareHostKeys }: KeptFile): string {
  const about =
    'Public keys of tunnels and of spare host keys, so that `provision restore-gateway` can bring a gateway back. Nothing secret: commit it.'
  const value = { version: 1, about, tunnelKeys: sorted(tunnelKeys), spareHostKeys: sorted(spareHostKeys) }
  // ASCII: `rewrite` keeps bytes as they are, and knows no encoding.
  const ascii = JSON.stringify(value, undefined, 2).replaceAll(/[^\n -~]/g, escaped)
  return `${ascii}\n`
}

const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

const sorted = <T>(record: Readonly<Record<string, T>>) =>
  Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)))

/** What stands in it comes into files of hosts as it is. */
const isKey = (value: unknown) => typeof value === 'string' && /^ssh-ed25519 AAAA[\w+/]+=*$/.test(value)
const listOf = (is: (value: unknown) => boolean, value: unknown) => Array.isArray(value) && value.every(is)
const isText = (value: unknown) => typeof value === 'string' && /^[^\n\r\0]*$/.test(value)

function isWhole({ version, tunnelKeys, spareHostKeys }: Partial<KeptFile>): boolean {
  const spares = Object.values(spareHostKeys ?? { none: undefined })
  return (
    version === 1 &&
    Object.values(tunnelKeys ?? { none: undefined }).every((keys) => listOf(isKey, keys)) &&
    spares.every((each) => listOf(isSpare, each?.keys) && listOf(isKey, each?.former))
  )
}

function isSpare(value: unknown): boolean {
  const { key, madeBy, trustedBy } = (value ?? {}) as Partial<SpareHostKey>
  return isKey(key) && isText(madeBy) && listOf(isText, trustedBy)
}
