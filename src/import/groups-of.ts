import type * as File from '../inventory/file.ts'
import { hostNameProblem } from '../inventory/names.ts'
import type { Found } from './found.ts'
import type { Leftovers } from './leftovers.ts'

interface Around {
  readonly devices: ReadonlySet<string>
  readonly gateways: ReadonlySet<string>
  readonly hosts: ReadonlySet<string>
  readonly left: Leftovers
}

/** Groups are of devices; one of gateways alone says what its members are anyway. */
export function importedGroups(groups: Found['groups'], around: Around): Record<string, File.Group> {
  const { devices, gateways, left } = around
  const hosts = new Set([...around.hosts].map((name) => name.toLowerCase()))
  const names = new Set<string>()
  const kept = groups.flatMap(({ name, members }): [string, File.Group][] => {
    const own = members.filter((member) => devices.has(member))
    const taken = names.has(name.toLowerCase()) ? 'another group has the same name' : undefined
    const problem = taken ?? hostNameProblem(name)?.replaceAll('host name', 'group name')
    if (own.length === 0) return []
    if (problem !== undefined || hosts.has(name.toLowerCase())) {
      left.add(`the group is left out, ${problem ?? 'a host has the same name'}`, name)
      return []
    }
    names.add(name.toLowerCase())
    for (const gateway of members.filter((member) => gateways.has(member))) {
      left.add(`left out of the group ${name}: a gateway cannot be in a group`, gateway)
    }
    return [[name, { devices: own }]]
  })
  return Object.fromEntries(kept)
}
