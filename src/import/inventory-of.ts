import { InventoryError } from '../errors.ts'
import type * as File from '../inventory/file.ts'
import { printListener, settleBindAddress } from '../inventory/forward.ts'
import type { PortRange } from '../inventory/model.ts'
import { readPorts } from '../inventory/read/ports.ts'
import { importedDevices } from './devices-of.ts'
import type { Found, FoundHost } from './found.ts'
import { importedGateways } from './gateways-of.ts'
import { importedGroups } from './groups-of.ts'
import { type Leftovers, leftovers } from './leftovers.ts'
import { administered, commonLogin, ownLogin } from './logins-of.ts'
import { samePlace } from './places.ts'
import { type Settled, settled } from './settled.ts'
import { withoutSkipped } from './skipped.ts'

export interface Choices {
  /** Names of hosts or groups that are gateways; none: those that others jump through, or that a group says so of. */
  readonly gateways: readonly string[]
  /** `9000-9999`: each device without a forward gets one. */
  readonly ports?: string | undefined
  /** Names of hosts or groups, and globs, that are left out. */
  readonly skip?: readonly string[]
}

export interface Imported {
  readonly file: File.InventoryFile
  /** What it cannot say, a sentence each. */
  readonly left: readonly string[]
  /** What was taken for something that the file does not say in so many words. */
  readonly told: readonly string[]
}

/** What an inventory would say of these hosts. @throws InventoryError where nothing can be said */
export function inventoryOf(read: Found, choices: Choices): Imported {
  const places = new Map(read.hosts.flatMap(({ name, place }) => (place === undefined ? [] : [[name, place] as const])))
  const [left, told] = [leftovers((name) => places.get(name)), leftovers((name) => places.get(name))]
  const found = withoutSkipped(read, choices.skip ?? [])
  const hosts = settled(found.hosts, left)
  const groups = membersByName(found.groups, hosts)
  if (hosts.length === 0) throw nothing([...found.left, ...left.sentences()])
  const range = rangeOf(choices)
  const { names, fresh } = importedGateways(hosts, groups, choices.gateways)
  for (const { name } of fresh) told.add('is not in the file, so it is a new gateway', name)
  const { gateways, nameOf } = oncePerPlace([...hosts.filter(({ name }) => names.has(name)), ...fresh], left)
  for (const { name, jump } of gateways) {
    if (jump !== undefined) left.add(`is itself reached through ${jump}: leave that in your ~/.ssh/config`, name)
  }
  const onTheWay = new Set(gateways.flatMap(({ jump }) => jump ?? []).filter((name) => !names.has(name)))
  for (const name of onTheWay) left.add('left out: it is only on the way to a gateway', name)
  const others = hosts.filter(({ name }) => !names.has(name) && !onTheWay.has(name))
  const devices = others.map(({ jump, dials, ...host }) => ({
    ...host,
    ...(jump !== undefined && { jump: nameOf(jump) }),
    ...(dials && { dials: dials.map((dialled) => ({ ...dialled, gateway: nameOf(dialled.gateway) })) }),
  }))
  const login = commonLogin([...gateways, ...devices])
  const common = (host: FoundHost) => ({ ...placeOf(host), ...ownLogin(host, login) })
  for (const { name, dials = [] } of devices) {
    const ports = dials.map(
      ({ bindAddress, port }) => `--adopt ${printListener({ bindAddress: settleBindAddress(bindAddress), port })}`,
    )
    if (ports.length > 0)
      told.add(
        `the first run takes its ports over with ${ports.join(' ')}; when it has proved them, disable what dials now`,
        name,
      )
  }
  const built = importedDevices(devices, { gateways, range, common, left, told })
  const all = new Set([...gateways.map(({ name }) => name), ...hosts.map(({ name }) => name)])
  const kept = importedGroups(groups, { devices: new Set(Object.keys(built)), gateways: names, hosts: all, left })
  return {
    file: {
      ...(Object.keys(login).length > 0 && { login }),
      gateways: Object.fromEntries(
        gateways.map((host) => [host.name, { ...common(host), ...(range && { ports: choices.ports ?? '' }) }]),
      ),
      devices: built,
      ...(Object.keys(kept).length > 0 && { groups: kept }),
    },
    left: [...found.left, ...left.sentences()],
    told: told.sentences(),
  }
}

/** Two entries for one gateway are one gateway. */
function oncePerPlace(all: readonly Settled[], left: Leftovers) {
  const gateways: Settled[] = []
  const names = new Map<string, string>()
  for (const host of all) {
    const first = gateways.find((each) => samePlace(each, host))
    names.set(host.name, first?.name ?? host.name)
    if (first === undefined) gateways.push(administered(host, left))
    else left.add(`left out: ${first.name} is at the same address and port`, host.name)
  }
  return { gateways, nameOf: (name: string) => names.get(name) ?? name }
}

/** Members may stand under another name of theirs. */
function membersByName(groups: Found['groups'], hosts: readonly FoundHost[]): Found['groups'] {
  const names = new Map(hosts.flatMap(({ name, aliases = [] }) => aliases.map((alias) => [alias, name] as const)))
  return groups.map(({ name, members }) => ({
    name,
    members: [...new Set(members.map((member) => names.get(member) ?? member))],
  }))
}

function nothing(left: readonly string[]): InventoryError {
  return left.length === 0
    ? new InventoryError(
        'there is no host in the file',
        'check that it is the right file, and give its format with --from',
      )
    : new InventoryError(`no host of the file can be in an inventory:\n${left.map((line) => `  ${line}`).join('\n')}`)
}

function rangeOf({ ports }: Choices): PortRange | undefined {
  const read = ports === undefined ? undefined : readPorts(ports)
  if (read !== undefined && 'problem' in read) throw new InventoryError(`--ports: ${read.problem}`)
  return read?.range
}

function placeOf({ address, port }: FoundHost) {
  return { ...(address !== undefined && { address }), ...(port !== undefined && port !== 22 && { port }) }
}
