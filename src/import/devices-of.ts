import { canonical, isLoopback } from '../inventory/addresses.ts'
import type * as File from '../inventory/file.ts'
import { printForward, settleBindAddress } from '../inventory/forward.ts'
import type { PortRange } from '../inventory/model.ts'
import { freePorts } from '../inventory/read/ports.ts'
import type { FoundHost } from './found.ts'
import type { Settled } from './gateways-of.ts'
import type { Leftovers } from './leftovers.ts'

interface Around {
  readonly gateways: readonly FoundHost[]
  readonly range: PortRange | undefined
  /** What any host has. */
  readonly common: (host: FoundHost) => File.Device
  readonly left: Leftovers
}

interface Door {
  readonly gateway: string
  /** Of one that is there; another one is at 127.0.0.1. */
  readonly bindAddress?: string
  readonly port: number
  readonly hostPort: number
}

/**
 * Devices as an inventory has them. One that is reached at the gateway's own 127.0.0.1 has a reverse tunnel already, and
 * that port becomes its forward; none of these ports is given again.
 */
export function importedDevices(hosts: readonly Settled[], around: Around): Record<string, File.Device> {
  const present = presentDoors(hosts, around)
  const taken = [...present.values()].flatMap((door) => door ?? [])
  const devices = hosts.flatMap((host): [string, File.Device][] => {
    const { address, port, jump, ...bare } = host
    const door = present.get(host.name)
    if (door !== undefined) return [[host.name, { ...around.common(bare), forwards: printed([door], around) }]]
    if (!present.has(host.name)) return []
    const doors = newDoors(host, taken, around)
    taken.push(...doors)
    const via = jump === undefined ? undefined : [jump, ...(doors.length > 0 ? ['forward'] : [])]
    const forwards = doors.length > 0 ? printed(doors, around) : undefined
    return [[host.name, { ...around.common(host), ...(via && { via }), ...(forwards && { forwards }) }]]
  })
  return Object.fromEntries(devices)
}

/** The hosts that are devices, with the door that each has already. */
function presentDoors(hosts: readonly Settled[], { gateways, left }: Around): Map<string, Door | undefined> {
  const doors = new Map<string, Door | undefined>()
  const places = new Map(gateways.map((host) => [placeOf(host), host.name]))
  for (const host of hosts) {
    const { name, address, port, jump } = host
    const isInside = address !== undefined && isLoopback(address)
    const place = isInside ? `${jump} ${canonical(address)} ${port}` : placeOf(host)
    const other = places.get(place)
    if (isInside && (jump === undefined || port === undefined)) {
      left.add(`left out: ${address} is an address on a gateway, and the file does not say on which one`, name)
    } else if (other !== undefined) {
      left.add(`left out: ${other} is at the same address and port`, name)
    } else {
      places.set(place, name)
      const inside = isInside && jump !== undefined && port !== undefined
      doors.set(name, inside ? { gateway: jump, bindAddress: canonical(address), port, hostPort: 22 } : undefined)
    }
  }
  return doors
}

function newDoors(
  { name, jump, port: hostPort = 22 }: Settled,
  taken: readonly Door[],
  { gateways, range, left }: Around,
): readonly Door[] {
  if (range === undefined) {
    left.add('has no forward yet: import with --ports 9000-9999, or write one', name)
    return []
  }
  const own = gateways.filter((gateway) => jump === undefined || gateway.name === jump)
  const ranged = own.map((gateway) => ({ name: gateway.name, ports: range }))
  const doors = freePorts(ranged, taken).flatMap(({ gateway, port }) =>
    port === undefined ? [] : [{ gateway, port, hostPort }],
  )
  if (doors.length < own.length) left.add('has no forward: --ports has no port left for it', name)
  return doors
}

function placeOf({ name, address, port }: FoundHost): string {
  return `${(address ?? name).toLowerCase()} ${port ?? 22}`
}

function printed(doors: readonly Door[], { gateways }: Around): File.Forward[] {
  return doors.map(({ gateway, bindAddress = '127.0.0.1', ...door }) => {
    const words = {
      bindAddress: settleBindAddress(bindAddress),
      port: door.port,
      host: 'localhost',
      hostPort: door.hostPort,
    }
    if (gateways.length === 1) return printForward(words)
    const { bindAddress: bound, ...common } = words
    return { gateway, ...(bound !== '127.0.0.1' && { bindAddress: bound }), ...common }
  })
}
