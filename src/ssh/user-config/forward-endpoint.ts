import { canonical, isLocalhost, isLoopback } from '../../inventory/addresses.ts'
import { reachedOn } from '../../inventory/forward.ts'
import type { Device, Forward, Gateway } from '../../inventory/model.ts'
import { parseJump } from './jump.ts'
import { jumpOfCommand } from './proxy-command.ts'
import type { ForwardEndpoint, UserConfig } from './user-config.ts'

/** What an entry of an ssh_config is compared with. */
export interface Known {
  readonly gateways: readonly Gateway[]
  readonly devices: readonly Device[]
  /** What ssh makes of a name, with everything that is written. */
  readonly config: (name: string) => Promise<UserConfig>
}

/** Where a configuration leads: the last machine that it jumps through, and what that is asked to connect to. */
interface Route {
  readonly hop?: string
  readonly address: string
  readonly port: number
}

function routeOf({ hostname, port, jumps, proxyCommand }: UserConfig): Route | undefined {
  const command = proxyCommand === undefined ? { jumps } : jumpOfCommand(proxyCommand)
  const hop = command?.jumps.at(-1)
  if (proxyCommand !== undefined && hop === undefined) return undefined
  const to = command !== undefined && 'to' in command ? command.to : undefined
  return { ...(hop !== undefined && { hop }), address: hostname, port, ...to }
}

/**
 * The end of a forward that a configuration leads to; undefined: it leads to the host itself, or nobody knows where.
 */
export async function forwardEndpoint(config: UserConfig, known: Known): Promise<ForwardEndpoint | undefined> {
  const route = routeOf(config)
  if (route === undefined) return undefined
  const { address, port } = route
  for (const gateway of known.gateways) {
    const names = await namesOf(gateway, known)
    const device = forwardsOn(gateway, known).find((forward) => isAt(forward, route, names))?.device
    const at = { gateway: gateway.name, address, port, ...(device !== undefined && { device }) }
    if (route.hop === undefined) {
      // Without a jump only what a gateway shows to strangers; at other ports a router may lead to other machines.
      if (names.includes(same(address)) && isForwardPort(gateway, port, known)) return at
      continue
    }
    if (!(await isThrough(route, gateway, names, known))) continue
    const bound = forwardsOn(gateway, known).map((forward) => same(reachedOn(forward)))
    if (isOwn(address) || [...names, ...bound, same(parseJump(route.hop).host)].includes(same(address))) return at
  }
  return undefined
}

/**
 * Does it mix an address of the host's own with the port of one of its forwards, as a block below somebody's own
 * `HostName` does? That leads nowhere.
 */
export async function isMixed(config: UserConfig, device: Device, known: Known): Promise<boolean> {
  const route = routeOf(config)
  if (route?.hop === undefined) return false
  for (const gateway of known.gateways) {
    const has = device.forwards.some((forward) => forward.gateway === gateway.name && forward.port === route.port)
    if (has && (await isThrough(route, gateway, await namesOf(gateway, known), known))) return true
  }
  return false
}

/** The last machine on the route is this gateway: by its name, or by an address of it. */
async function isThrough(route: Route, gateway: Gateway, names: readonly string[], known: Known): Promise<boolean> {
  const hop = parseJump(route.hop ?? '')
  if (same(hop.host) === same(gateway.name)) return true
  const config = await known.config(hop.host)
  if (!names.includes(same(hop.host)) && !names.includes(same(config.hostname))) return false
  // Several machines may share an address, each behind a port of its own.
  const own = gateway.port ?? (await known.config(gateway.name)).port
  return (hop.port ?? config.port) === own || isForwardPort(gateway, route.port, known)
}

async function namesOf(gateway: Gateway, known: Known): Promise<string[]> {
  const { hostname } = await known.config(gateway.name)
  const all = [gateway.name, gateway.address ?? hostname, gateway.dial.address]
  return [...new Set(all.map(same))]
}

/** Does it listen where the route ends. */
function isAt(forward: Forward, { address, port }: Route, names: readonly string[]): boolean {
  const end = isLocalhost(address) ? '127.0.0.1' : same(address)
  const everywhere = ['*', '0.0.0.0', '::'].includes(forward.bindAddress)
  return forward.port === port && (everywhere || same(reachedOn(forward)) === end || names.includes(end))
}

function isForwardPort(gateway: Gateway, port: number, known: Known): boolean {
  const { first = 1, last = 0 } = gateway.ports ?? {}
  return (port >= first && port <= last) || forwardsOn(gateway, known).some((forward) => forward.port === port)
}

const forwardsOn = ({ name }: Gateway, { devices }: Known): Forward[] =>
  devices.flatMap(({ forwards }) => forwards.filter(({ gateway }) => gateway === name))

/** Of whoever is asked to connect there. */
export const isOwn = (address: string) => isLoopback(address) || ['0.0.0.0', '::', '*'].includes(same(address))

const same = (address: string) => canonical(address.replace(/^\[(.*)\]$/, '$1')).toLowerCase()

/** Is a HostName one that makes an entry a forward, whatever else stands there. */
export async function endpointNames(known: Known): Promise<(hostName: string) => boolean> {
  const names = (await Promise.all(known.gateways.map((gateway) => namesOf(gateway, known)))).flat()
  const bound = known.gateways.flatMap((gateway) =>
    forwardsOn(gateway, known).map((forward) => same(reachedOn(forward))),
  )
  return (hostName) => isOwn(hostName) || [...names, ...bound].includes(same(hostName))
}
