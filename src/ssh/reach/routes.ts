import type { Duplex } from 'node:stream'
import { ConnectError, ProvisionError } from '../../errors.ts'
import { isForwardRoute, loginForwards, printListener, reachedOn } from '../../inventory/forward.ts'
import type { Device, Forward, Gateway, Host, Login } from '../../inventory/model.ts'
import { connect } from '../session/connect.ts'
import type { Session } from '../session/session.ts'
import { dial } from '../session/socket.ts'
import type { Wire } from '../session/wire.ts'
import { parseJump } from '../user-config/jump.ts'

/**
 * Sessions that others jump through: one for each gateway or hop, opened when first needed, and again when it is
 * gone or could not be opened.
 */
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
      if (closed) throw new ConnectError('unreachable', 'cancelled')
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
      // A refusal is kept: asked again for each device behind it, sshd would penalise the whole network.
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

/** One connection to a host's sshd along one route, each call a new one. */
export type Opener = (signal?: AbortSignal) => Promise<Duplex>

export interface RouteContext {
  readonly wire: Wire
  readonly jumps: JumpSessions
  readonly gateways: readonly Gateway[]
  /**
   * Ports that gateways still hold for a device and that the inventory does not name any more: device → route → where.
   */
  readonly formerForwards: Map<string, ReadonlyMap<string, FormerEndpoint>>
}

export type FormerEndpoint = Pick<Forward, 'gateway' | 'bindAddress' | 'port'>

/**
 * What `forward` in "via" of a device means: one route for each gateway that has a forward to the device's own sshd,
 * by the first such forward there. Where there are several gateways, the routes are called `forward on GATEWAY`.
 */
export function forwardRoutes(device: Device): ReadonlyMap<string, Forward> {
  const all = loginForwards(device)
  return new Map(all.map((forward) => [all.length > 1 ? `forward on ${forward.gateway}` : 'forward', forward]))
}

export const formerRoute = (endpoint: FormerEndpoint) =>
  `former forward ${printListener(endpoint)} on ${endpoint.gateway}`

/** A forward that the inventory does not have: `forward on GATEWAY at ADDRESS:PORT`. */
const undeclared = /^forward on (?<gateway>\S+) at \[?(?<address>[^\]]+?)\]?:(?<port>\d+)$/

/**
 * Routes besides those of the inventory: the forward that the user's own ssh_config leads to, made by hand, or by an
 * earlier version of the inventory. Not one that belongs to another device now.
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

const isDirectOrForward = (route: string) => route === 'direct' || route === 'forward'

/** How to open one route; undefined for `direct` without a jump, which `connect` does best itself. */
export async function opener(
  host: Gateway | Device,
  route: string,
  routeContext: RouteContext,
): Promise<Opener | undefined> {
  if (route === 'direct') return proxyJump(host, routeContext)
  if (host.role === 'gateway')
    throw new ConnectError('unreachable', `a gateway is reached directly, not through ${route}`)
  const { gateway, address, port } = undeclared.exec(route)?.groups ?? {}
  if (gateway !== undefined && address !== undefined) {
    return () => through(gateway, { address, port: Number(port) }, routeContext)
  }
  if (isForwardRoute(route)) {
    const forward = forwardRoutes(host).get(route) ?? routeContext.formerForwards.get(host.name)?.get(route)
    if (forward === undefined) throw new ConnectError('unreachable', 'the device has no such forward to its own sshd')
    return () => through(forward.gateway, { address: reachedOn(forward), port: forward.port }, routeContext)
  }
  const config = await routeContext.wire.userConfig(host.name)
  return () =>
    through(route, { address: host.address ?? config.hostname, port: host.port ?? config.port }, routeContext)
}

interface Target {
  readonly address: string
  readonly port: number
}

/** A session that was cut since is opened anew, once: a gateway may just have restarted its sshd. */
async function through(name: string, to: Target, routeContext: RouteContext): Promise<Duplex> {
  const gateway = routeContext.gateways.find((one) => one.name === name)
  if (gateway === undefined) throw new ConnectError('unreachable', `there is no gateway ${name}`)
  const session = () =>
    routeContext.jumps.get(`gateway ${name}`, async (onClose) => {
      try {
        const open = await proxyJump(gateway, routeContext)
        return await connect(gateway, { wire: routeContext.wire, socket: open && (() => open()), onClose })
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
async function proxyJump(host: Host, routeContext: RouteContext): Promise<Opener | undefined> {
  const config = await routeContext.wire.userConfig(host.name)
  if (config.proxyCommand !== undefined) {
    throw new ConnectError(
      'unreachable',
      `your ssh_config sets a ProxyCommand for ${host.name}, which cannot be used here`,
      'write ProxyJump instead, or name a gateway under "via"',
    )
  }
  if (config.jumps.length === 0) return undefined
  const to = { address: host.address ?? config.hostname, port: host.port ?? config.port }
  return () => forwardOrAgain(() => hop(config.jumps, routeContext, host.login.transport), to)
}

/** A hop that the inventory does not know is reached by the transport of the host behind it. */
async function hop(
  chain: readonly string[],
  routeContext: RouteContext,
  transport: Login['transport'],
): Promise<Session> {
  const here = chain.at(-1) ?? ''
  const before = chain.slice(0, -1)
  const wanted = parseJump(here)
  // A hop that is a gateway of the inventory has its pins and its login there.
  const known = routeContext.gateways.find((gateway) => gateway.name === wanted.host)
  const config = await routeContext.wire.userConfig(wanted.host)
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
  return routeContext.jumps.get(`hop ${chain.join(',')} ${by}`, async (onClose) => {
    try {
      const socket =
        before.length === 0
          ? undefined
          : () => forwardOrAgain(() => hop(before, routeContext, transport), { address, port })
      return await connect(host, { wire: routeContext.wire, socket, onClose })
    } catch (error) {
      throw atHop(wanted.host, error)
    }
  })
}

/** What went wrong at a machine that others jump through: not the host's own fault, so other routes are still tried. */
export class HopError extends ConnectError {}

function atHop(name: string, error: unknown): unknown {
  if (error instanceof HopError || !(error instanceof ConnectError)) return error
  return new HopError(error.kind, `${name}: ${error.message}`, error.hint)
}

/** The socket of a route, for those who want no login: `direct` without a jump is plain TCP. */
export async function openSocket(host: Gateway | Device, route: string, routeContext: RouteContext): Promise<Duplex> {
  const open = await opener(host, route, routeContext)
  if (open !== undefined) return open()
  const config = await routeContext.wire.userConfig(host.name)
  const target = { host: host.address ?? config.hostname, port: host.port ?? config.port }
  const { connections, connectTimeoutMs: timeoutMs } = routeContext.wire
  return dial({ ...target, timeoutMs, connections })
}
