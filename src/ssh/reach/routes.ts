import type { Duplex } from 'node:stream'
import { ConnectError, ProvisionError } from '../../errors.ts'
import { doors, isForwardWay, printListener, reachedOn } from '../../inventory/forward.ts'
import type { Device, Forward, Gateway, Host, Login } from '../../inventory/model.ts'
import { connect } from '../session/connect.ts'
import type { Session } from '../session/session.ts'
import { dial } from '../session/socket.ts'
import type { Wire } from '../session/wire.ts'
import { parseJump } from '../user-config/jump.ts'

/** Sessions that others jump through: one for each gateway or hop, opened when first needed, and again when it is gone or was not there. */
export interface JumpSessions {
  /** @throws ConnectError */
  get(key: string, open: (onClose: () => void) => Promise<Session>): Promise<Session>
  closeAll(): void
}

export function jumpSessions(): JumpSessions {
  const open = new Map<string, Promise<Session>>()
  let closed = false
  return {
    async get(key, make) {
      if (closed) throw new ConnectError('unreachable', 'given up')
      const there = open.get(key)
      if (there !== undefined) return there
      const drop = () => {
        if (open.get(key) === made) open.delete(key)
      }
      const made: Promise<Session> = make(drop).then((session) => {
        if (closed) session.close()
        return session
      })
      open.set(key, made)
      // A no is kept: asked again for each device behind it, sshd would penalise the whole network.
      made.catch((error: unknown) => {
        if (!(error instanceof ConnectError) || error.kind === 'unreachable') drop()
      })
      return made
    },
    closeAll() {
      closed = true
      for (const session of open.values()) session.then((found) => found.close()).catch(() => undefined)
      open.clear()
    },
  }
}

/** One connection to a host's sshd along one way, each call a new one. */
export type Opener = (signal?: AbortSignal) => Promise<Duplex>

export interface RouteContext {
  readonly wire: Wire
  readonly jumps: JumpSessions
  readonly gateways: readonly Gateway[]
  /** Doors that gateways still hold for a device and that the inventory does not name any more: device → way → where. */
  readonly formerDoors: Map<string, ReadonlyMap<string, FormerEndpoint>>
}

export type FormerEndpoint = Pick<Forward, 'gateway' | 'bindAddress' | 'port'>

/**
 * What `forward` among the ways to a device means: a way for each gateway with a forward to the device's own sshd, so that a
 * login reaches the device; the first such forward there. Where there are several they are `forward on GATEWAY`.
 */
export function forwardRoutes(device: Device): ReadonlyMap<string, Forward> {
  const all = doors(device)
  return new Map(all.map((forward) => [all.length > 1 ? `forward on ${forward.gateway}` : 'forward', forward]))
}

export const formerRoute = (door: FormerEndpoint) => `former forward ${printListener(door)} on ${door.gateway}`

/** A forward that the inventory does not have: `forward on GATEWAY at ADDRESS:PORT`. */
const undeclared = /^forward on (?<gateway>\S+) at \[?(?<address>[^\]]+?)\]?:(?<port>\d+)$/

/**
 * The ways in besides those of the inventory: the forward that the user's own ssh_config leads to, made by hand, or of a time
 * when the inventory said something else. Not one that belongs to another device now.
 */
export async function undeclaredRoutes(
  host: Gateway | Device,
  { wire }: Pick<RouteContext, 'wire'>,
): Promise<string[]> {
  const { endpoint } = await wire.userConfig(host.name)
  if (endpoint === undefined || host.role === 'gateway' || !host.via.some(isDirectOrForward)) return []
  const { gateway, address, port, device = host.name } = endpoint
  const known = [...forwardRoutes(host).values()].some((one) => one.gateway === gateway && one.port === port)
  if (known || device !== host.name) return []
  return [`forward on ${gateway} at ${address.includes(':') ? `[${address}]` : address}:${port}`]
}

const isDirectOrForward = (way: string) => way === 'direct' || way === 'forward'

/** How to open one way; undefined for `direct` without a jump, which `connect` does best itself. */
export async function opener(host: Gateway | Device, way: string, roads: RouteContext): Promise<Opener | undefined> {
  if (way === 'direct') return proxyJump(host, roads)
  if (host.role === 'gateway') throw new ConnectError('unreachable', `a gateway is reached directly, not by ${way}`)
  const { gateway, address, port } = undeclared.exec(way)?.groups ?? {}
  if (gateway !== undefined && address !== undefined) {
    return () => through(gateway, { address, port: Number(port) }, roads)
  }
  if (isForwardWay(way)) {
    const forward = forwardRoutes(host).get(way) ?? roads.formerDoors.get(host.name)?.get(way)
    if (forward === undefined) throw new ConnectError('unreachable', 'it has no such forward to its own sshd')
    return () => through(forward.gateway, { address: reachedOn(forward), port: forward.port }, roads)
  }
  const config = await roads.wire.userConfig(host.name)
  return () => through(way, { address: host.address ?? config.hostname, port: host.port ?? config.port }, roads)
}

interface Target {
  readonly address: string
  readonly port: number
}

/** A session that was cut since is opened anew, once: a gateway may just have restarted its sshd. */
async function through(name: string, to: Target, roads: RouteContext): Promise<Duplex> {
  const gateway = roads.gateways.find((one) => one.name === name)
  if (gateway === undefined) throw new ConnectError('unreachable', `there is no gateway ${name}`)
  const session = () =>
    roads.jumps.get(`gateway ${name}`, async (onClose) => {
      try {
        const open = await proxyJump(gateway, roads)
        return await connect(gateway, { wire: roads.wire, socket: open && (() => open()), onClose })
      } catch (error) {
        throw atHop(name, error)
      }
    })
  return forwardOrAgain(session, to)
}

async function forwardOrAgain(session: () => Promise<Session>, to: Target): Promise<Duplex> {
  const first = await session()
  try {
    return await first.forward(to.address, to.port)
  } catch (error) {
    if (!(error instanceof ProvisionError) || !('kind' in error) || error.kind !== 'lost') throw error
    return (await session()).forward(to.address, to.port)
  }
}

/** The ProxyJump of the user's own ssh_config: hop by hop, each with its own login and its own pinned key. */
async function proxyJump(host: Host, roads: RouteContext): Promise<Opener | undefined> {
  const config = await roads.wire.userConfig(host.name)
  if (config.proxyCommand !== undefined) {
    throw new ConnectError(
      'unreachable',
      `your ssh_config sets a ProxyCommand for ${host.name}, which cannot be used here`,
      'write ProxyJump instead, or name a gateway under "via"',
    )
  }
  if (config.jumps.length === 0) return undefined
  const to = { address: host.address ?? config.hostname, port: host.port ?? config.port }
  return () => forwardOrAgain(() => hop(config.jumps, roads, host.login.transport), to)
}

/** A hop that the inventory does not know is reached by the transport of the host behind it. */
async function hop(chain: readonly string[], roads: RouteContext, transport: Login['transport']): Promise<Session> {
  const here = chain.at(-1) ?? ''
  const before = chain.slice(0, -1)
  const wanted = parseJump(here)
  // A hop that is a gateway of the inventory has its pins and its login there.
  const known = roads.gateways.find((gateway) => gateway.name === wanted.host)
  const config = await roads.wire.userConfig(wanted.host)
  const by = known ? known.login.transport : transport
  const login = {
    ...known?.login,
    sudo: false,
    ...(by && { transport: by }),
    ...(wanted.user === undefined ? {} : { user: wanted.user }),
  }
  const port = wanted.port ?? known?.port ?? config.port
  const address = known?.address ?? config.hostname
  const host = {
    role: 'gateway',
    name: wanted.host,
    address,
    port,
    hostKeys: known?.hostKeys ?? [],
    login,
    accounts: [],
    profile: 'compatible',
    passwordLogin: true,
  } as const
  return roads.jumps.get(`hop ${chain.join(',')} ${by}`, async (onClose) => {
    try {
      const socket =
        before.length === 0 ? undefined : () => forwardOrAgain(() => hop(before, roads, transport), { address, port })
      return await connect(host, { wire: roads.wire, socket, onClose })
    } catch (error) {
      throw atHop(wanted.host, error)
    }
  })
}

/** What went wrong at a machine on the way: never the host's own fault, so it does not end the search for it. */
export class HopError extends ConnectError {}

function atHop(name: string, error: unknown): unknown {
  if (error instanceof HopError || !(error instanceof ConnectError)) return error
  return new HopError(error.kind, `${name}: ${error.message}`, error.hint)
}

/** The socket of a way, for those who want no login: `direct` without a jump is plain TCP. */
export async function openSocket(host: Gateway | Device, way: string, roads: RouteContext): Promise<Duplex> {
  const open = await opener(host, way, roads)
  if (open !== undefined) return open()
  const config = await roads.wire.userConfig(host.name)
  const target = { host: host.address ?? config.hostname, port: host.port ?? config.port }
  const { connections, connectTimeoutMs: timeoutMs } = roads.wire
  return dial({ ...target, timeoutMs, connections })
}
