import { isLoopback } from '../inventory/addresses.ts'
import type * as File from '../inventory/file.ts'
import type { PortRange } from '../inventory/model.ts'
import { freePorts } from '../inventory/ports.ts'
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
  readonly port: number
  readonly hostPort: number
}

/**
 * Devices as an inventory has them. One that is reached at the gateway's own 127.0.0.1 has a reverse tunnel already, and
 * that port becomes its forward.
 */
export function devicesOf(
  hosts: readonly Settled[],
  { gateways, range, common, left }: Around,
): Record<string, File.Device> {
  const taken: Door[] = []
  const places = new Set(gateways.map((host) => placeOf(host)))
  const built = new Map<string, File.Device>()
  const waiting: Settled[] = []
  for (const host of hosts) {
    const { address, port, jump, ...rest } = host
    if (address !== undefined && isLoopback(address)) {
      const door = jump === undefined || port === undefined ? undefined : { gateway: jump, port, hostPort: 22 }
      if (door === undefined)
        left.add(`left out: ${address} is a place on some gateway, and nothing says on which`, host.name)
      else if (isTaken(taken, door)) left.add(`left out: port ${port} on ${jump} is another device's`, host.name)
      else {
        taken.push(door)
        built.set(host.name, { ...common(rest), forwards: printDoors([door], gateways) })
      }
    } else if (places.has(placeOf(host))) {
      left.add('left out: another host has its address and port', host.name)
    } else {
      places.add(placeOf(host))
      waiting.push(host)
      built.set(host.name, {})
    }
  }
  // Ports that are there already come first: none of them is given again.
  for (const host of waiting) built.set(host.name, { ...common(host), ...wayTo(host, doorsOf(host)) })
  return Object.fromEntries(built)

  function doorsOf({ name, jump, port: hostPort = 22 }: Settled): readonly Door[] {
    if (range === undefined) {
      left.add('has no forward yet: import with --ports 9000-9999, or write one', name)
      return []
    }
    const own = gateways.filter((gateway) => jump === undefined || gateway.name === jump)
    const free = freePorts(
      own.map((gateway) => ({ name: gateway.name, ports: range })),
      taken,
    )
    const doors = free.flatMap(({ gateway, port }) => (port === undefined ? [] : [{ gateway, port, hostPort }]))
    if (doors.length < own.length) left.add('has no forward: --ports has none left for it', name)
    taken.push(...doors)
    return doors
  }

  function wayTo({ jump }: Settled, doors: readonly Door[]): File.Device {
    const via = jump === undefined ? undefined : [jump, ...(doors.length > 0 ? ['forward'] : [])]
    return { ...(via && { via }), ...(doors.length > 0 && { forwards: printDoors(doors, gateways) }) }
  }
}

function placeOf({ name, address, port }: FoundHost): string {
  return `${(address ?? name).toLowerCase()} ${port ?? 22}`
}

function isTaken(taken: readonly Door[], { gateway, port }: Door): boolean {
  return taken.some((door) => door.gateway === gateway && door.port === port)
}

function printDoors(doors: readonly Door[], gateways: readonly FoundHost[]): File.Forward[] {
  return doors.map(({ gateway, port, hostPort }) =>
    gateways.length === 1 ? `127.0.0.1:${port}:localhost:${hostPort}` : { gateway, port, host: 'localhost', hostPort },
  )
}
