import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import pLimit, { type LimitFunction } from 'p-limit'
import { ConnectError, PortClosed, ProvisionError } from '../../errors.ts'
import { isForwardRoute } from '../../inventory/forward.ts'
import type { Device, Gateway, Inventory } from '../../inventory/model.ts'
import { connect } from '../session/connect.ts'
import type { FullSession } from '../session/session.ts'
import type { Wire } from '../session/wire.ts'
import {
  forwardRoutes,
  HopError,
  type JumpSessions,
  jumpSessions,
  opener,
  type RouteContext,
  undeclaredRoutes,
} from './routes.ts'
import { defaultForks, type Limiter, limiter, onceConnected, type Slot } from './slots.ts'

/** What all logins of one run share: the wire, and one session for each gateway that others jump through. */
export interface ReachContext extends RouteContext {
  readonly wire: Wire
  readonly jumps: JumpSessions
  /**
   * The next route is tried after this time, or after 5 times as long where the connection of the one before it is
   * open.
   */
  readonly staggerMs: number
  /** How many logins of the whole run go on at once. */
  readonly forks: Limiter
  /** The same for changes. */
  readonly changes: Limiter
  /** At most 8 logins under way at each sshd: beyond 10, it starts to refuse them (MaxStartups). */
  handshakes(name: string): LimitFunction
  /**
   * Closes the sessions to gateways that others jump through, and all that goes through them; not those that `reach`
   * returned.
   */
  closeAll(): void
}

export interface ReachOptions {
  readonly wire: Wire
  readonly forks?: number | undefined
  /** Default 1000. */
  readonly staggerMs?: number
}

export function reachContext(inventory: Pick<Inventory, 'gateways'>, options: ReachOptions): ReachContext {
  const limits = new Map<string, LimitFunction>()
  const shared = jumpSessions()
  return {
    wire: options.wire,
    jumps: shared,
    gateways: inventory.gateways,
    formerForwards: new Map(),
    staggerMs: options.staggerMs ?? 1000,
    forks: limiter(options.forks ?? defaultForks),
    changes: limiter(options.forks ?? defaultForks, onceConnected),
    handshakes(name) {
      const limit = limits.get(name) ?? pLimit(8)
      limits.set(name, limit)
      return limit
    },
    closeAll: shared.closeAll,
  }
}

/**
 * A new login to a host, which the caller has to close, along the first of its routes that works. Each route is
 * tried, the next one starting a second later, or five seconds after the connection of the one before it is open;
 * the first login wins. A host that refuses the login or presents a wrong key ends the search, for that is the host
 * and not the route; only a wrong key seen through `forward` waits for the other routes, since another device may be
 * behind that port.
 * `along`: these routes and no others, named as in `session.via`; a proof that one of them works now. `onTurn`:
 * called once the host has its slot. `until`: the host keeps its slot for what comes after the login.
 * @throws ConnectError; where every route failed, one that lists them, of kind `unreachable`
 */
export function reach(
  host: Gateway | Device,
  context: ReachContext,
  options: {
    readonly along?: readonly string[]
    readonly signal?: AbortSignal
    readonly onTurn?: () => void
    readonly until?: Promise<unknown>
  } = {},
): Promise<FullSession> {
  const routes = options.along ?? routesTo(host)
  // Asked for at once, also for hosts that still wait for a slot.
  void context.wire.userConfig(host.name)
  return context.forks(async (slot) => {
    options.onTurn?.()
    if (options.until) slot.until(options.until)
    const others = options.along === undefined ? await undeclaredRoutes(host, context) : []
    return race(host, [...routes, ...others], { context, signal: options.signal, slot })
  })
}

/** In the order they are tried. A forward that does not end at the device's own sshd is no route. */
export function routesTo(host: Gateway | Device): readonly string[] {
  if (host.role === 'gateway') return ['direct']
  const usable = host.via.flatMap((route) => (route === 'forward' ? [...forwardRoutes(host).keys()] : [route]))
  return usable.length > 0 ? usable : ['direct']
}

/**
 * The routes by which a fresh login confirms a change of a host that was reached along `via`: the same one; and
 * where that was a forward which the inventory does not name, those that it does name, for the change may have moved
 * its tunnel there.
 */
export function confirmingRoutes(host: Gateway | Device, via: string): readonly string[] {
  if (host.role === 'gateway' || !isForwardRoute(via)) return [via]
  const named = [...forwardRoutes(host).keys()]
  return named.includes(via) ? [via] : [...named, via]
}

interface Run {
  readonly context: ReachContext
  readonly signal: AbortSignal | undefined
  readonly slot: Slot
}

interface Attempt extends Run {
  readonly onSocket: () => void
}

function race(host: Gateway | Device, routes: readonly string[], { context, signal, slot }: Run): Promise<FullSession> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController()
    const failures = new Map<string, unknown>()
    let next = 0
    let settled = false
    let stagger: NodeJS.Timeout | undefined
    const settle = (act: () => void) => {
      settled = true
      clearTimeout(stagger)
      signal?.removeEventListener('abort', onAbort)
      stop.abort()
      act()
    }
    const onAbort = () => {
      if (!settled) settle(() => reject(new ConnectError('unreachable', 'cancelled')))
    }
    const start = () => {
      clearTimeout(stagger)
      const route = routes[next++]
      if (route === undefined) return
      stagger = next < routes.length ? setTimeout(start, context.staggerMs) : undefined
      const onSocket = () => {
        if (settled || stagger === undefined) return
        clearTimeout(stagger)
        stagger = setTimeout(start, 5 * context.staggerMs)
      }
      along(host, route, { context, signal: stop.signal, onSocket, slot }).then(
        (session) => {
          if (settled) session.close()
          else settle(() => resolve(session))
        },
        (error: unknown) => {
          if (settled) return
          failures.set(route, error)
          if (endsTheSearch(error, route) || failures.size === routes.length)
            settle(() => reject(verdict(routes, failures)))
          else start()
        },
      )
    }
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    start()
  })
}

async function along(
  host: Gateway | Device,
  route: string,
  { context, signal, onSocket, slot }: Attempt,
): Promise<FullSession> {
  const open = await opener(host, route, context)
  const socket = open && (() => open(signal))
  const onOpen = (connection: Duplex) => {
    onSocket()
    // Only a TCP socket counts its bytes, not a channel.
    slot.connected(() => !(connection instanceof Socket) || connection.bytesRead > 0)
  }
  return context.handshakes(host.name)(() =>
    connect(host, { wire: context.wire, via: route, socket, signal, onSocket: onOpen }),
  )
}

/**
 * The host itself refused. A machine that is jumped through, or whatever is behind its forward's port, does not count.
 */
function endsTheSearch(error: unknown, route: string): boolean {
  if (!(error instanceof ProvisionError)) return true
  if (!(error instanceof ConnectError) || error instanceof HopError || error.kind === 'unreachable') return false
  return !isForwardRoute(route) || error.kind === 'login'
}

function verdict(routes: readonly string[], failures: ReadonlyMap<string, unknown>): unknown {
  const all = routes.flatMap((route) => (failures.has(route) ? [{ route, error: failures.get(route) }] : []))
  const decisive = all.find(({ route, error }) => endsTheSearch(error, route))
  if (decisive !== undefined) return decisive.error
  const own = all.find(
    ({ error }) => error instanceof ConnectError && !(error instanceof HopError) && error.kind !== 'unreachable',
  )
  if (own !== undefined) return own.error
  if (all.length === 1) return all[0]?.error instanceof ConnectError ? all[0].error : unreachable(all)
  return unreachable(all)
}

function unreachable(all: readonly { readonly route: string; readonly error: unknown }[]): ConnectError {
  const failed = all.map(({ route, error }) => `${route}: ${error instanceof Error ? error.message : String(error)}`)
  const hints = all.flatMap(({ error }) =>
    error instanceof ProvisionError && error.hint !== undefined ? [error.hint] : [],
  )
  const fallback =
    'is the host switched on? See "address", "port" and "via" in the inventory, and try `ssh` with the same name'
  const message = `no route worked (${failed.join('; ')})`
  const hint = [...new Set(hints)].join('; ') || fallback
  const isClosed = all.some(({ route, error }) => route === 'direct' && error instanceof PortClosed)
  return isClosed ? new PortClosed(message, hint) : new ConnectError('unreachable', message, hint)
}
