import { InventoryError } from '../../errors.ts'
import { closest } from '../../inventory/messages.ts'
import type { Device, Host } from '../../inventory/model.ts'

/** What a host is called that had this name before it was renamed. */
export const nameSince = (name: string, hosts: readonly Pick<Device, 'name' | 'knownAs'>[]): string | undefined =>
  hosts.find(({ knownAs }) => knownAs === name)?.name

/** @throws InventoryError when none of these has the name */
export function named<H extends Host>(name: string, hosts: readonly H[]): H {
  const host = hosts.find((candidate) => candidate.name === name)
  if (host) return host
  const names = hosts.map((each) => each.name)
  const now = nameSince(name, hosts)
  const near = closest(name, names) ?? names.find((each) => each.split('.')[0] === name)
  const hint = now ? `it was renamed to ${now}` : near && `did you mean ${near}?`
  throw new InventoryError(`no such host in the inventory: ${name}`, hint ?? `there are: ${names.join(', ') || 'none'}`)
}
