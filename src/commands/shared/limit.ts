import { InventoryError } from '../../errors.ts'
import { globToRegExp } from '../../files/glob.ts'
import { closest } from '../../inventory/messages.ts'
import { hosts, type Inventory } from '../../inventory/model.ts'
import { clean } from '../../report/inert.ts'
import { nameSince } from './named.ts'

/**
 * What `--limit` means: names of hosts and groups, or globs of them. Nothing given: every host.
 * @throws InventoryError for a pattern that no host and no group has
 */
export function limitOf(patterns: readonly string[] | undefined, inventory: Inventory): (name: string) => boolean {
  if (!patterns?.length) return () => true
  const names = hosts(inventory).map(({ name }) => name)
  const meant = new Set<string>()
  for (const pattern of patterns) {
    const wanted = globToRegExp(pattern, { ignoreCase: true })
    const groups = inventory.groups.filter(({ name }) => wanted.test(name))
    const found = [...names.filter((name) => wanted.test(name)), ...groups.flatMap(({ devices }) => devices)]
    if (found.length === 0) throw unknown(pattern, names, inventory)
    for (const name of found) meant.add(name)
  }
  return (name) => meant.has(name)
}

/** As many names as help: nobody reads three hundred. */
const MOST = 20

function unknown(pattern: string, names: readonly string[], { groups, devices }: Inventory): InventoryError {
  const now = nameSince(pattern, devices)
  if (now !== undefined)
    return new InventoryError(`--limit ${clean(pattern)}: no host of that name`, `it was renamed to ${now}`)
  const near = closest(pattern, [...names, ...groups.map(({ name }) => name)])
  const meant = near === undefined ? '' : `did you mean ${near}? `
  const shown =
    names.length > MOST ? `${names.slice(0, MOST).join(', ')} and ${names.length - MOST} more` : names.join(', ')
  const of = groups.length > 0 ? ` and no group` : ''
  const also = groups.length > 0 ? `; the groups are ${groups.map(({ name }) => name).join(', ')}` : ''
  return new InventoryError(
    `--limit ${clean(pattern)}: no host${of} of that name`,
    `${meant}the hosts are ${shown}${also}`,
  )
}
