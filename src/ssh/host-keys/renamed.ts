import { RenamedHost } from '../../errors.ts'
import { hosts, type Inventory } from '../../inventory/model.ts'
import { quote } from '../../shell/sh.ts'
import { type HostKey, matches, parseKnownLine } from './known-hosts.ts'

// What a new name of a host means for a known_hosts file.

/** The names that this key stands for in a known_hosts file, as written; hashed ones and patterns are left out. */
export function namesOf(knownHosts: string, key: HostKey): string[] {
  const names = knownHosts.split('\n').flatMap((row) => {
    const line = parseKnownLine(row)
    if (line === undefined || line.revoked || line.authority || !line.key.blob.equals(key.blob)) return []
    return line.patterns.split(',').map((pattern) => /^\[(.*)\]:\d+$/.exec(pattern)?.[1] ?? pattern)
  })
  return [...new Set(names.filter((name) => /^[\w.-]+$/.test(name) && !/^[\d.]+$/.test(name)))]
}

/**
 * The text of a known_hosts file in which every line of the one name is one of the other; what else stands there stays.
 */
export function renamedPins(knownHosts: string, from: string, to: string): string {
  return knownHosts
    .split(/(?<=\n)/)
    .map((row) => {
      const patterns = parseKnownLine(row)?.patterns
      if (patterns === undefined) return row
      const at = row.indexOf(patterns)
      return row.slice(0, at) + renamed(patterns, from, to) + row.slice(at + patterns.length)
    })
    .join('')
}

function renamed(patterns: string, from: string, to: string): string {
  const name = from.toLowerCase()
  if (patterns.startsWith('|1|')) return matches(patterns, [name]) ? to : patterns
  return patterns
    .split(',')
    .map((pattern) => {
      if (pattern.toLowerCase() === name) return to
      const [, inside, port] = /^\[(.*)\]:(\d+)$/.exec(pattern) ?? []
      return inside?.toLowerCase() === name ? `[${to}]:${port}` : pattern
    })
    .join(',')
}

/** Whose hosts they are. */
export type Named = Pick<Inventory, 'file' | 'gateways' | 'devices' | 'leaving'>

/**
 * The name by which this device is pinned, where the inventory has none of that name. Undefined too where another host
 * of the inventory has the same key: those are copies of one image.
 */
export function formerName(knownHosts: string, device: string, key: HostKey, inventory: Named): string | undefined {
  if (!inventory.devices.some(({ name }) => name === device)) return undefined
  const own = new Set(hosts(inventory).map(({ name }) => name.toLowerCase()))
  const names = namesOf(knownHosts, key)
  return names.some((name) => own.has(name.toLowerCase())) ? undefined : names[0]
}

export function renamedHost(
  { name }: { readonly name: string },
  presented: { readonly type: string; readonly fingerprint: string },
  { former, file, pins }: { readonly former: string; readonly file: string; readonly pins: string },
): RenamedHost {
  const message = `${name} presented ${presented.type} ${presented.fingerprint}, which is pinned for ${former}, and ${file} has no ${former}`
  const hint =
    `is ${name} the new name of ${former}? Then run: \`provision rename ${quote(file)} ${former} ${name}\`; its tunnel stays as it is. ` +
    `Do others still need the name ${former}? Then copy its line in ${pins}, with the name ${name}`
  return new RenamedHost({ message, hint }, former)
}
