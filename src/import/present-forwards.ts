import { canonical, isLoopback, overlap } from '../inventory/addresses.ts'
import { type ForwardWords, settleBindAddress } from '../inventory/forward.ts'
import type { Leftovers } from './leftovers.ts'
import { dialledAddress, samePlace } from './places.ts'
import type { Settled } from './settled.ts'

/** A port of a gateway, and where it leads. */
export interface PresentForward extends ForwardWords {
  readonly bindAddress: string
  readonly gateway: string
}

export interface PresentReading {
  readonly gateways: readonly Settled[]
  readonly left: Leftovers
  /** What is taken for something else than it says. */
  readonly told: Leftovers
}

/** The hosts that are devices, with the forwards that each has already. */
export function presentForwards(
  hosts: readonly Settled[],
  reading: PresentReading,
): Map<string, readonly PresentForward[]> {
  const { left, told } = reading
  const forwards = new Map<string, readonly PresentForward[]>()
  const places = new Map(reading.gateways.map(({ jump, ...host }) => [placeOf(host, reading), host.name]))
  const all: PresentForward[] = []
  for (const host of hosts) {
    const { name } = host
    const found = forwardsOf(host, reading)
    if (found === undefined) continue
    const rival = found.find((forward) => all.some((other) => clash(forward, other)))
    // Where a port of the gateway leads is not where it is: nothing is known but its name.
    const place = placeOf(found.length === 0 || host.dials !== undefined ? host : { name, jumps: [] }, reading)
    const other = places.get(place)
    if (rival !== undefined) {
      const owner = [...forwards].find(([, own]) => own.some((forward) => clash(rival, forward)))?.[0]
      left.add(`left out: port ${rival.port} of ${rival.gateway} leads to ${owner}, too`, name)
    } else if (other !== undefined) {
      left.add(`left out: ${other} is at the same address and port`, name)
    } else {
      places.set(place, name)
      for (const forward of found) {
        if (!isLoopback(forward.bindAddress) && host.dials === undefined)
          told.add(`port ${forward.port} of ${forward.gateway} is taken for a tunnel to it that is there already`, name)
      }
      all.push(...found)
      forwards.set(name, found)
    }
  }
  return forwards
}

const clash = (one: PresentForward, other: PresentForward) =>
  one.gateway === other.gateway && one.port === other.port && overlap(one.bindAddress, other.bindAddress)

/** undefined: it is no device. */
function forwardsOf(host: Settled, { gateways, left }: PresentReading): readonly PresentForward[] | undefined {
  const { name, address, port, jump, dials } = host
  if (dials !== undefined) {
    const own = dials.map((dialled) => ({ ...dialled, bindAddress: settleBindAddress(dialled.bindAddress) }))
    return own.flatMap((dialled, at) => {
      const isTwice = own.slice(0, at).some((other) => clash(dialled, other))
      if (isTwice) left.add(`a second forward at port ${dialled.port} of ${dialled.gateway}`, name)
      const isThere = gateways.some((gateway) => gateway.name === dialled.gateway)
      if (!isThere) left.add(`the port ${dialled.port} of ${dialled.gateway}, which is no gateway here`, name)
      return isThere && !isTwice ? [dialled] : []
    })
  }
  const to = { host: 'localhost', hostPort: 22 }
  const through = gateways.find((gateway) => gateway.name === jump)
  if (address !== undefined && isOwn(address)) {
    if (through !== undefined && port !== undefined)
      return [{ gateway: through.name, bindAddress: settleBindAddress(address), port, ...to }]
    const why =
      through === undefined ? `the file does not say on which one` : `it is the sshd of ${through.name} itself`
    left.add(`left out: ${address} is an address on a gateway, and ${why}`, name)
    return undefined
  }
  // What a gateway shows to everybody at a port that is not its sshd's.
  const at = gateways.filter((gateway) => dialledAddress(gateway) === dialledAddress(host))
  const gateway = at.find((each) => each === through) ?? (jump === undefined ? at[0] : undefined)
  if (gateway === undefined || port === undefined || at.some((each) => samePlace(each, host))) return []
  return [{ gateway: gateway.name, bindAddress: '*', port, ...to }]
}

/** Of whoever is asked to connect there. */
const isOwn = (address: string) => isLoopback(address) || ['0.0.0.0', '::'].includes(canonical(address))

/** Behind two gateways the same address is two machines. */
function placeOf(host: Settled, { gateways }: PresentReading): string {
  const jump = gateways.some(({ name }) => name === host.jump) ? host.jump : ''
  return `${jump} ${dialledAddress(host)} ${host.port ?? 22}`
}
