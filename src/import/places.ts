import { canonical } from '../inventory/addresses.ts'
import { hostNameProblem } from '../inventory/names.ts'
import type { FoundHost } from './found.ts'

type Place = Pick<FoundHost, 'name' | 'address' | 'port'>

/** A name for a machine that has only an IPv6 address. */
export const nameOfAddress = (address: string) => `v6-${canonical(address).replaceAll(':', '-')}`

export function samePlace(one: Place, other: Place): boolean {
  return dialledAddress(one) === dialledAddress(other) && (one.port ?? 22) === (other.port ?? 22)
}

export const dialledAddress = ({ name, address }: Omit<Place, 'port'>) => canonical(address ?? name).toLowerCase()

export function importedNameProblem(name: string): string | undefined {
  if (name === 'direct' || name === 'forward') return 'the name has a special meaning in "via"'
  return hostNameProblem(name)
}
