import { InventoryError } from '../errors.ts'
import type { Host } from '../inventory/model.ts'

/** @throws InventoryError when none of these has the name */
export function named<H extends Host>(name: string, hosts: readonly H[]): H {
  const host = hosts.find((candidate) => candidate.name === name)
  if (host) return host
  const names = hosts.map((each) => each.name).join(', ')
  throw new InventoryError(`no such host in the inventory: ${name}`, `there are: ${names || 'none'}`)
}
