import { printListener, socketName } from '../inventory/forward.ts'
import { type Device, type Forward, type Gateway, nameOnGateways } from '../inventory/model.ts'
import type { ForwardReport } from '../report/report.ts'
import type { EndpointReport } from '../report/status/status.ts'
import { accountOn, forwardsOn } from '../tunnel/accounts.ts'
import type { GatewayFacts, ListeningSocket } from './gateway-facts.ts'
import { type TunnelEnd, tunnelEnd } from './tunnel-history.ts'

/** One end of a forward on its gateway: where a session of the device listens, as whom. */
export interface StatusEndpoint {
  readonly device: Device
  readonly gateway: Gateway
  readonly forward: Forward
  readonly account: string
  readonly place: string
}

export function endpointOf(device: Device, gateway: Gateway, forward: Forward): StatusEndpoint {
  const place = forward.listener === 'socket' ? `/s/${socketName(forward)}` : printListener(forward)
  return { device, gateway, forward, account: accountOn(gateway, device), place }
}

/** All ends on this gateway. */
export const endpointsOn = (gateway: Gateway, devices: readonly Device[]): StatusEndpoint[] =>
  devices.flatMap((device) => forwardsOn(gateway, device).map((forward) => endpointOf(device, gateway, forward)))

/** Does a session of the device listen there. Where sshd owns the port, the port itself shows it. */
export function tunnelStands({ forward, place }: StatusEndpoint, told: GatewayFacts): boolean | undefined {
  return forward.listener === 'socket' ? listening(told, [place]) !== undefined : undefined
}

/** Which session of sshd listens there, and for how many seconds its connection has been silent. */
export function sessionAt(one: StatusEndpoint, told: GatewayFacts): { pid: number; silentFor?: number } | undefined {
  const session = sshdAt(one, told)
  const silentFor = connectionOf(session, told)?.silentFor
  return session && { pid: session.pid, ...(silentFor !== undefined && { silentFor }) }
}

/** Of the tunnel's own connection, as the gateway's kernel has measured it. */
export function roundTripAt(one: StatusEndpoint, told: GatewayFacts): number | undefined {
  return connectionOf(sshdAt(one, told), told)?.roundTripMs
}

const connectionOf = (session: ListeningSocket | undefined, { connections }: GatewayFacts) =>
  connections.find(({ pids }) => session && pids.includes(session.pid))

/** What the gateway knows of a forward that was found in this state. `clock`: the time of the look. */
export function endpointStatus(
  one: StatusEndpoint,
  { state }: ForwardReport,
  told: GatewayFacts,
  clock: Date,
): EndpointReport {
  const ago = (seconds: number | undefined) =>
    seconds === undefined ? undefined : new Date(clock.getTime() - seconds * 1000).toISOString()
  const session = sshdAt(one, told)
  const connection = connectionOf(session, told)
  const stranger = strangerAt(one, told)
  const unit = told.units.find(({ name }) => name === `reverse-tunnel-${socketName(one.forward)}.socket`)
  const since = () => {
    if (stranger) return stranger.age
    if (state === 'ok' || state === 'wrong-device') return session?.age
    if (state === 'stale') return connection?.silentFor
    if (state !== 'no-tunnel') return undefined
    if (one.forward.listener === 'socket' && unit && unit.active !== 'active') return unit.age
    const end = tunnelEndAt(one, told)
    return end === undefined || told.now === undefined ? undefined : Math.max(0, told.now - end.at)
  }
  return defined({
    since: ago(since()),
    session: session && defined({ since: ago(session.age), from: connection?.from }),
    holder: stranger && `${stranger.program}, process ${stranger.pid}`,
    unit: unit && unit.active !== 'active' ? `${unit.name} is ${unit.active}` : undefined,
  })
}

/** How its last tunnel ended. Devices whose ports sshd owns share an account, and are told apart by their keys. */
export function tunnelEndAt({ device, forward, account }: StatusEndpoint, told: GatewayFacts): TunnelEnd | undefined {
  const keys = forward.listener === 'sshd' ? (told.keys.get(nameOnGateways(device)) ?? []) : undefined
  return tunnelEnd(told, account, keys)
}

/** The session that listens for the device: of two the younger, for a dead one hangs there while the next is up. */
function sshdAt({ place, forward }: StatusEndpoint, told: GatewayFacts): ListeningSocket | undefined {
  const found = listening(told, forward.listener === 'socket' ? [place] : placesOf(forward))
  return found && /^sshd/.test(found.program) ? found : undefined
}

/**
 * Who has the port, where that is neither systemd, which its proxy shares it with, nor a session of sshd as it should
 * be.
 */
function strangerAt({ forward }: StatusEndpoint, told: GatewayFacts): ListeningSocket | undefined {
  const places = placesOf(forward)
  const own = ({ place, pid, program }: ListeningSocket) =>
    places.includes(place) && (forward.listener === 'socket' ? pid === 1 : /^sshd/.test(program))
  return told.listeners.some(own) ? undefined : listening(told, places)
}

function listening({ listeners }: GatewayFacts, places: readonly string[]): ListeningSocket | undefined {
  const found = listeners.filter(({ place }) => places.includes(place))
  return found.sort((a, b) => (a.age ?? Number.MAX_VALUE) - (b.age ?? Number.MAX_VALUE))[0]
}

/** As ss(8) spells them: every address is `0.0.0.0`, `[::]`, or `*` where one socket hears both. */
function placesOf(forward: Forward): string[] {
  const { bindAddress, port } = forward
  return bindAddress === '*' ? ['*', '0.0.0.0', '[::]'].map((every) => `${every}:${port}`) : [printListener(forward)]
}

function defined<T extends object>(value: { readonly [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T
}
