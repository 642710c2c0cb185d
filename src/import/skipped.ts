import { InventoryError } from '../errors.ts'
import { globToRegExp } from '../files/glob.ts'
import { suggest } from '../inventory/messages.ts'
import { parseJump } from '../ssh/user-config/jump.ts'
import type { Found } from './found.ts'
import { leftovers } from './leftovers.ts'

/** Without the hosts that are named by name, by glob or by group. @throws InventoryError for a word that names none */
export function withoutSkipped(found: Found, skip: readonly string[]): Found {
  const { hosts, groups } = found
  const names = hosts.flatMap(({ name, aliases = [] }) => [name, ...aliases])
  const skipped = new Set(
    skip.flatMap((word) => {
      const pattern = globToRegExp(word)
      const members = groups.filter(({ name }) => name === word).flatMap((group) => group.members)
      const hit = [...names.filter((name) => pattern.test(name)), ...members]
      if (hit.length === 0)
        throw new InventoryError(
          `--skip ${word}: there is no such host or group in the file${suggest(word, names, 'leave the option out')}`,
        )
      return hit
    }),
  )
  if (skipped.size === 0) return found
  const isSkipped = (name: string) => skipped.has(name)
  const left = leftovers()
  const kept = hosts.filter(({ name, aliases = [] }) => ![name, ...aliases].some(isSkipped))
  return {
    hosts: kept.map((host) => {
      const last = host.jumps.at(-1)
      if (last === undefined || !isSkipped(parseJump(last).host)) return host
      left.add(`the jump through ${last}, which is skipped`, host.name, host.place)
      return { ...host, jumps: [] }
    }),
    groups: groups.map((group) => ({ ...group, members: group.members.filter((member) => !isSkipped(member)) })),
    left: [...found.left, ...left.sentences()],
  }
}
