import type { Inventory } from '../inventory/model.ts'
import type { Report } from '../report/report.ts'
import type { RunOptions } from './context.ts'

/**
 * `--only forwards`: for those who can log in to the gateways alone, as a CI in the gateways' network. Devices are seen
 * through their forwards and in no other way, and the report says what that cannot show.
 */
export function leftAlone({ devices }: Inventory, { only }: Pick<RunOptions, 'only'>): (name: string) => boolean {
  const names = new Set(only === 'forwards' ? devices.map(({ name }) => name) : [])
  return (name) => names.has(name)
}

export function unchecked(
  { gateways, devices }: Inventory,
  { only, limit }: Pick<RunOptions, 'only' | 'limit'>,
): Pick<Report, 'unchecked'> {
  if (only === undefined) return {}
  const of = (hosts: readonly { readonly name: string }[], what: string) =>
    hosts.flatMap(({ name }) => (limit(name) ? { host: name, what } : []))
  return {
    unchecked: [
      ...of(gateways, 'what follows from what devices show, as their keys, was taken as it is'),
      ...of(devices, 'nobody logged in to look at files, units and accounts there'),
    ],
  }
}
