import { InventoryError } from '../errors.ts'
import { closest } from '../inventory/messages.ts'
import { addressProblem, hostNameProblem, loginUserProblem, portProblem } from '../inventory/names.ts'
import { parseJump } from '../ssh/user-config/jump.ts'
import type { FoundGroup } from './found.ts'
import { importedNameProblem, nameOfAddress, samePlace } from './places.ts'
import type { Settled } from './settled.ts'

const LIKE_GATEWAYS = /^(ssh[-_]?)?(gateways?|bastions?|jump([-_]?(hosts?|box(es)?))?)$/i

export interface ImportedGateways {
  readonly names: ReadonlySet<string>
  /** Those that the file does not name. */
  readonly fresh: readonly Settled[]
}

/** @throws InventoryError where nothing says which they are */
export function importedGateways(
  hosts: readonly Settled[],
  groups: readonly FoundGroup[],
  wanted: readonly string[],
): ImportedGateways {
  const chosen = chosenGateways(hosts, groups, wanted)
  if (chosen.names.size > 0) return chosen
  const jumps = new Set(
    hosts.flatMap(({ jump, dials = [] }) => [
      ...(jump === undefined ? [] : [jump]),
      ...dials.map(({ gateway }) => gateway),
    ]),
  )
  // Who is only on the way to another gateway is none.
  const last = hosts.filter(({ name }) => !jumps.has(name)).flatMap(({ jump }) => jump ?? [])
  const opened = hosts.filter((host) => host.opened).map(({ name }) => name)
  const grouped = groups.filter(({ name }) => LIKE_GATEWAYS.test(name)).flatMap(({ members }) => members)
  const found = [last, [...jumps], opened, grouped].find((each) => each.length > 0)
  if (found === undefined) {
    throw new InventoryError(
      'the file does not say which of the hosts is a gateway',
      `add --gateway NAME, one of ${some(hosts.map(({ name }) => name))}, or a machine that is not in the file`,
    )
  }
  return { names: new Set(found), fresh: [] }
}

/** Hosts and groups of the file; any other name is a machine that is not in it. */
function chosenGateways(
  hosts: readonly Settled[],
  groups: readonly FoundGroup[],
  wanted: readonly string[],
): ImportedGateways {
  const known = [...hosts, ...groups].map(({ name }) => name)
  const fresh: Settled[] = []
  const names = wanted.flatMap((name) => {
    const host = hosts.find((each) => each.name === name || each.aliases?.includes(name))
    if (host !== undefined) return [host.name]
    const group = groups.find((each) => each.name === name)
    if (group !== undefined) return group.members
    const made = freshGateway(name, known)
    const isSame = (each: Settled) => each.name.toLowerCase() === made.name.toLowerCase() || samePlace(each, made)
    const there = [...hosts, ...fresh].find(isSame)
    if (there === undefined) fresh.push(made)
    return [there?.name ?? made.name]
  })
  return { names: new Set(names), fresh }
}

/** `[user@]host[:port]`. A word without a dot that is near a known one is a slip of the finger. */
function freshGateway(text: string, known: readonly string[]): Settled {
  const { user, host, port } = parseJump(text)
  const near = /[.@:]/.test(text) ? undefined : closest(text, known)
  if (near !== undefined) throw new InventoryError(`there is no host and no group ${text}, did you mean "${near}"?`)
  const problem =
    addressProblem(host) ??
    (port === undefined ? undefined : portProblem(port)) ??
    (user === undefined ? undefined : loginUserProblem(user))
  if (problem !== undefined) throw new InventoryError(`--gateway ${text}: ${problem}`)
  const isName = hostNameProblem(host) === undefined
  const nameProblem = isName ? importedNameProblem(host) : undefined
  if (nameProblem !== undefined) throw new InventoryError(`--gateway ${text}: ${nameProblem}`)
  return {
    name: isName ? host : nameOfAddress(host),
    ...(!isName && { address: host }),
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port }),
    jumps: [],
  }
}

function some(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ')
}
