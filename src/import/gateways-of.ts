import { InventoryError } from '../errors.ts'
import { suggest } from '../inventory/messages.ts'
import { hostNameProblem } from '../inventory/names.ts'
import type { FoundGroup, FoundHost } from './found.ts'
import type { Leftovers } from './leftovers.ts'

/** A host, and the host that one jumps through to it. */
export interface Settled extends FoundHost {
  readonly jump?: string
}

/** Each with the name of its jump; a machine that is only jumped through is a host, too. Names that are none stay out. */
export function settled(hosts: readonly FoundHost[], left: Leftovers): Settled[] {
  const all: FoundHost[] = hosts.filter(({ name }) => {
    const problem = hostNameProblem(name)
    if (problem !== undefined) left.add(`left out, ${problem}`, name)
    return problem === undefined
  })
  const named = (text: string): string | undefined => {
    const hop = readHop(text)
    const there = all.find(({ name }) => name === hop.host) ?? all.find(({ address }) => address === hop.host)
    if (there !== undefined) return there.name
    if (hostNameProblem(hop.host) !== undefined) return undefined
    const { host, user, port } = hop
    all.push({ name: host, ...(user !== undefined && { user }), ...(port !== undefined && { port }), jumps: [] })
    return host
  }
  // Grows while it is walked: a new hop has no jump of its own.
  const jumps = new Map<string, string>()
  for (const { name, jumps: hops } of hosts) {
    const last = hops.at(-1)
    const jump = last === undefined ? undefined : named(last)
    if (jump !== undefined && jump !== name) jumps.set(name, jump)
    else if (last !== undefined && jump === undefined) left.add(`the jump through ${last} does not name a host`, name)
  }
  return all.map((host) => {
    const jump = jumps.get(host.name)
    return { ...host, ...(jump !== undefined && { jump }) }
  })
}

function readHop(text: string): { host: string; user?: string; port?: number } {
  const [, user, rest = text] = /^(?:ssh:\/\/)?(?:(.+)@)?(.*?)\/?$/.exec(text) ?? []
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(rest) ?? []
  const host = bracketed ?? plain ?? rest
  return { host, ...(user !== undefined && { user }), ...(port !== undefined && { port: Number(port) }) }
}

const LIKE_GATEWAYS = /^(ssh[-_]?)?(gateways?|bastions?|jump([-_]?(hosts?|box(es)?))?)$/i

/** @throws InventoryError where nothing says which they are */
export function importedGateways(
  hosts: readonly Settled[],
  groups: readonly FoundGroup[],
  wanted: readonly string[],
): ReadonlySet<string> {
  const names = hosts.map(({ name }) => name)
  const known = [...names, ...groups.map(({ name }) => name)]
  const chosen = wanted.flatMap((name) => {
    if (names.includes(name)) return [name]
    const group = groups.find((each) => each.name === name)
    if (group !== undefined) return group.members
    throw new InventoryError(`there is no host and no group ${name}${suggest(name, known, `known are ${some(known)}`)}`)
  })
  const jumped = hosts.flatMap(({ jump }) => jump ?? [])
  const grouped = groups.filter(({ name }) => LIKE_GATEWAYS.test(name)).flatMap(({ members }) => members)
  const found = [chosen, jumped, grouped].find((each) => each.length > 0)
  if (found === undefined) {
    throw new InventoryError(
      'the file does not say which of the hosts is a gateway',
      `add --gateway NAME, one of ${some(known)}`,
    )
  }
  return new Set(found)
}

function some(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ')
}
