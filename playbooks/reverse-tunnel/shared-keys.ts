import type { Gateway, Late, Resource, Seen } from '../../src/index.ts'
import { known, managedFile, parseKeyLine, whoseKey } from '../../src/index.ts'
import { sharedKeys } from '../../src/tunnel/names.ts'
import type { Closing } from './held-forwards.ts'

/** The key lines of one device in the file that all devices of a gateway share. */
export interface SharedKeys {
  /** Whose inspect the keys come from: while that host is gone, its lines stay. */
  readonly host: string
  /** The name by which the gateway knows it. */
  readonly device: string
  /** Whole public keys; unknown until the device has shown them. */
  readonly keys: Late<readonly string[]>
  /** From one key to its line, given the lines of this device that are there. */
  readonly line: (key: string, present: readonly string[], seen: Seen) => string
}

/**
 * Root's own file with the keys of devices that share an account. Lines of other inventories, and of people, stay;
 * those of ours that are not wanted go when `closing` says so.
 */
export function sharedKeyFile(gateway: Gateway, wanted: readonly SharedKeys[], closing: Closing): Resource {
  const content = (seen: Seen) => contentOf(seen.of(gateway.name, file.id) ?? '', wanted, closing, seen)
  const file = managedFile(sharedKeys, { content })
  return {
    ...file,
    diff: (now, seen) => (now.startsWith('absent') && content(seen) === '' ? 'converged' : file.diff(now, seen)),
  }
}

function contentOf(observed: string, wanted: readonly SharedKeys[], closing: Closing, seen: Seen): string | undefined {
  const present = observed.startsWith('file ') ? observed.slice(observed.indexOf('\n') + 1).split('\n') : []
  const rows = present.filter((row) => row !== '')
  const ownerOf = (row: string) => {
    const key = parseKeyLine(row)
    return key && whoseKey(key).device
  }
  const fresh: string[] = []
  const settled = new Set<string>()
  for (const { host, device, keys: late, line } of wanted) {
    const keys = known(late, seen)
    if (keys === undefined && !seen.gone(host)) return undefined
    if (keys === undefined) continue
    settled.add(device)
    const mine = rows.filter((row) => ownerOf(row) === device)
    fresh.push(...keys.map((key) => line(key, mine, seen)))
  }
  const stays = (row: string) => {
    const key = parseKeyLine(row)
    if (!key) return true
    const { device } = whoseKey(key)
    if (wanted.some((each) => each.device === device)) return !settled.has(device) || fresh.includes(row)
    return !closing.keyLine(key.comment, seen)
  }
  const kept = rows.filter(stays)
  const result = [...kept, ...fresh.filter((row) => !kept.includes(row))]
  return result.map((row) => `${row}\n`).join('')
}
