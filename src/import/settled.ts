import { isIPv6 } from 'node:net'
import { canonical } from '../inventory/addresses.ts'
import { addressProblem, hostNameProblem, loginUserProblem, pathProblem, portProblem } from '../inventory/names.ts'
import { parseJump } from '../ssh/user-config/jump.ts'
import type { FoundHost } from './found.ts'
import type { Leftovers } from './leftovers.ts'
import { dialledAddress, importedNameProblem, nameOfAddress } from './places.ts'

/** A host of which an inventory can say all, and the host that one jumps through to it. */
export interface Settled extends FoundHost {
  readonly jump?: string
}

/**
 * Each with the name of its jump; a machine that is only jumped through is a host, too. What an inventory would refuse
 * stays out.
 */
export function settled(hosts: readonly FoundHost[], left: Leftovers): Settled[] {
  const all = named(hosts, left).map((host) => valid(host, left))
  const key = (name: string) => name.toLowerCase()
  const byName = new Map(
    all.flatMap((host) => [...(host.aliases ?? []), host.name].map((name) => [key(name), host] as const)),
  )
  const resolve = (text: string, from: FoundHost): FoundHost | undefined => {
    const { host, user, port } = parseJump(text)
    const own = { name: host, ...(user !== undefined && { user }), ...(port !== undefined && { port }), jumps: [] }
    const there = byName.get(key(host)) ?? machineAt(own, all)
    if (there !== undefined) {
      const differs = (user ?? there.user) !== there.user || (port ?? there.port ?? 22) !== (there.port ?? 22)
      if (differs) left.add(`the jump as ${text}: provision logs in to ${there.name} as its own entry says`, from.name)
      return there
    }
    const [made] = named([own], left).map((one) => valid(one, left))
    if (made === undefined) return undefined
    const same = byName.get(key(made.name)) ?? made
    byName.set(key(host), same)
    byName.set(key(made.name), same)
    if (same === made) all.push(made)
    return same
  }
  const jumps = new Map<string, string>()
  const onTheWay = new Set<string>()
  // Of a copy: it grows while it is walked, and a new hop has no jump of its own.
  for (const host of [...all]) {
    const last = host.jumps.at(-1)
    const jump = last === undefined ? undefined : resolve(last, host)
    if (jump !== undefined && jump !== host) jumps.set(host.name, jump.name)
    else if (last !== undefined && jump === undefined)
      left.add(`the jump through ${last} does not name a host`, host.name)
    for (const hop of host.jumps.slice(0, -1)) {
      const there = byName.get(key(parseJump(hop).host))
      left.add(`the hop ${hop} on the way to ${jump?.name ?? last}: leave that in your ~/.ssh/config`, host.name)
      if (there !== undefined) onTheWay.add(there.name)
    }
  }
  const dialled = new Map(
    all.map((host) => [
      host.name,
      host.dials?.flatMap(({ gateway, ...words }) => {
        const there = resolve(gateway, host)
        return there === undefined ? [] : [{ ...words, gateway: there.name }]
      }),
    ]),
  )
  const needed = new Set(jumps.values())
  return all.flatMap((host): Settled[] => {
    const jump = jumps.get(host.name)
    if (onTheWay.has(host.name) && !needed.has(host.name)) {
      left.add('left out: it is only on the way to a gateway', host.name)
      return []
    }
    const dials = dialled.get(host.name)
    return [{ ...host, ...(jump !== undefined && { jump }), ...(dials && { dials }) }]
  })
}

/**
 * The one at this address, at this port where several are there. What is behind another machine may share its address.
 */
function machineAt(hop: FoundHost, all: readonly FoundHost[]): FoundHost | undefined {
  const there = all.filter(({ jumps, ...host }) => {
    const last = jumps.at(-1)
    const isHere = last === undefined || parseJump(last).host === hop.name
    return isHere && dialledAddress(host) === dialledAddress(hop)
  })
  return there.find(({ port = 22 }) => port === (hop.port ?? 22)) ?? (there.length === 1 ? there[0] : undefined)
}

/** Those that have a name that an inventory can have. */
function named(hosts: readonly FoundHost[], left: Leftovers): FoundHost[] {
  const taken = new Map<string, string>()
  return hosts.flatMap((host): FoundHost[] => {
    const { name, address, aliases = [] } = host
    const isAddress = isIPv6(name) && !name.includes('%')
    const own = isAddress ? (aliases.find((alias) => !hostNameProblem(alias)) ?? nameOfAddress(name)) : name
    const problem = importedNameProblem(own)
    if (problem !== undefined) {
      left.add(`left out, ${problem}`, name)
      return []
    }
    const other = taken.get(own.toLowerCase())
    if (other !== undefined) {
      left.add(`left out: ${other} has the same name`, name)
      return []
    }
    taken.set(own.toLowerCase(), name)
    if (!isAddress) return [host]
    left.add(`is called ${own} here: an IPv6 address cannot be a name`, name)
    return [{ ...host, name: own, address: address ?? canonical(name), aliases: [name, ...aliases] }]
  })
}

/** Without what an inventory refuses. */
function valid(host: FoundHost, left: Leftovers): FoundHost {
  const { address, port, user, identityFile, ...rest } = host
  const sound = <T>(key: string, value: T | undefined, problem: (value: T) => string | undefined): T | undefined => {
    const found = value === undefined ? undefined : problem(value)
    if (found !== undefined) left.add(`its ${key} is left out, ${found}`, host.name)
    return found === undefined ? value : undefined
  }
  const kept = {
    address: sound('address', address, addressProblem),
    port: sound('port', port, portProblem),
    user: sound('user', user, loginUserProblem),
    identityFile: sound('identityFile', identityFile, pathProblem),
  }
  return { ...rest, ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) }
}
