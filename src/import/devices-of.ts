import { isLoopback } from '../inventory/addresses.ts'
import type * as File from '../inventory/file.ts'
import { isOwnSshd, printForward } from '../inventory/forward.ts'
import type { PortRange } from '../inventory/model.ts'
import { freePorts } from '../inventory/read/ports.ts'
import type { FoundHost } from './found.ts'
import { type PresentForward, type PresentReading, presentForwards } from './present-forwards.ts'
import type { Settled } from './settled.ts'

interface Around extends PresentReading {
  readonly range: PortRange | undefined
  /** What any host has. */
  readonly common: (host: FoundHost) => File.Device
}

/**
 * Devices as an inventory has them. One that is reached at a port of the gateway itself has a reverse tunnel already,
 * and that port becomes its forward; none of these ports is given again.
 */
export function importedDevices(hosts: readonly Settled[], around: Around): Record<string, File.Device> {
  const present = presentForwards(hosts, around)
  const taken = [...present.values()].flat()
  const devices = hosts.flatMap((host): [string, File.Device][] => {
    const there = present.get(host.name)
    if (there === undefined) return []
    if (there.length > 0 && host.dials === undefined) {
      // Its address and port are those of the forward.
      const { address, port, ...bare } = host
      return [[host.name, { ...around.common(bare), forwards: printed(there, around) }]]
    }
    const leading = there.length > 0 ? there : newForwards(host, taken, around)
    if (there.length === 0) taken.push(...leading)
    const jump = around.gateways.some(({ name }) => name === host.jump) ? host.jump : undefined
    if (host.jump !== undefined && jump === undefined)
      around.left.add(`the jump through ${host.jump}, which is no gateway here`, host.name)
    const via =
      jump === undefined
        ? undefined
        : [
            jump,
            ...(leading.some(({ host: to, hostPort }) => isOwnSshd({ port: host.port ?? 22 }, { host: to, hostPort }))
              ? ['forward']
              : []),
          ]
    const forwards = leading.length > 0 ? printed(leading, around) : undefined
    return [[host.name, { ...around.common(host), ...(via && { via }), ...(forwards && { forwards }) }]]
  })
  return Object.fromEntries(devices)
}

function newForwards(
  host: Settled,
  taken: readonly PresentForward[],
  { gateways, range, left }: Around,
): readonly PresentForward[] {
  const { name, port: hostPort = 22 } = host
  if (range === undefined) {
    left.add('has no forward yet: import with --ports 9000-9999, or write one', name)
    return []
  }
  const through = gateways.filter((gateway) => gateway.name === host.jump)
  const own = through.length > 0 ? through : gateways
  const ranged = own.map((gateway) => ({ name: gateway.name, ports: range }))
  const forwards = freePorts(ranged, taken).flatMap(({ gateway, port }) =>
    port === undefined ? [] : [{ gateway, bindAddress: '127.0.0.1', port, host: 'localhost', hostPort }],
  )
  if (forwards.length < own.length) left.add('has no forward: --ports has no port left for it', name)
  return forwards
}

function printed(forwards: readonly PresentForward[], { gateways }: Around): File.Forward[] {
  return forwards.map(({ gateway, bindAddress, ...to }) => {
    const exposed = !isLoopback(bindAddress)
    if (gateways.length === 1 && !exposed) return printForward({ bindAddress, ...to })
    return {
      ...(gateways.length > 1 && { gateway }),
      ...(bindAddress !== '127.0.0.1' && { bindAddress }),
      ...to,
      ...(exposed && { expose: true }),
    }
  })
}
