import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import pLimit, { type LimitFunction } from 'p-limit'
import { ConnectError, ProvisionError } from '../../errors.ts'
import { isForwardWay } from '../../inventory/forward.ts'
import type { Device, Gateway, Inventory } from '../../inventory/model.ts'
import { connect } from '../session/connect.ts'
import type { Session } from '../session/session.ts'
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
  /** The next way starts beside a way whose connection does not stand by then; beside one that stands, 5 times as late. */
  readonly staggerMs: number
  /** The logins of the whole run take turns. */
  readonly forks: Limiter
  /** And so do the changes. */
  readonly changes: Limiter
  /** At most 8 logins under way at each sshd: beyond 10, it starts to hang up (MaxStartups). */
  handshakes(name: string): LimitFunction
  /** Closes the sessions to gateways that others jumped through, and with them what goes through. Not those `reach` gave out. */
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
    formerDoors: new Map(),
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
 * A new login to a host, the caller's to close, along the first of its ways that works. A way that is silent gets
 * company after a second, one whose connection stands after five more; the first to log in wins. A host that refuses the login or shows a wrong key ends the search,
 * for that is the host and not the way; only a wrong key seen through `forward` waits for what the other ways say,
 * since another device may sit behind that port.
 * `along`: these ways and no others, as `session.via` told them; a proof that one of them works now. `onTurn`: others that go
 * first have made room. `until`: the host keeps its turn for what comes after the login.
 * @throws ConnectError; where every way failed, one that lists them, of kind `unreachable`
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
): Promise<Session> {
  const ways = options.along ?? routesTo(host)
  // All who wait for their turn are asked for at once.
  void context.wire.userConfig(host.name)
  return context.forks(async (turn) => {
    options.onTurn?.()
    if (options.until) turn.until(options.until)
    const others = options.along === undefined ? await undeclaredRoutes(host, context) : []
    return race(host, [...ways, ...others], { context, signal: options.signal, turn })
  })
}

/** In the order they are tried. A forward that does not end at the device's own sshd is no way in. */
export function routesTo(host: Gateway | Device): readonly string[] {
  if (host.role === 'gateway') return ['direct']
  const usable = host.via.flatMap((way) => (way === 'forward' ? [...forwardRoutes(host).keys()] : [way]))
  return usable.length > 0 ? usable : ['direct']
}

/**
 * The ways by which a fresh login confirms a change of a host that was reached along `via`: the same one; and where that was
 * a forward which the inventory does not name, those that it does name, for the change may have moved its tunnel there.
 */
export function confirmingRoutes(host: Gateway | Device, via: string): readonly string[] {
  if (host.role === 'gateway' || !isForwardWay(via)) return [via]
  const named = [...forwardRoutes(host).keys()]
  return named.includes(via) ? [via] : [...named, via]
}

interface Run {
  readonly context: ReachContext
  readonly signal: AbortSignal | undefined
  readonly turn: Slot
}

interface Way extends Run {
  readonly onSocket: () => void
}

function race(host: Gateway | Device, ways: readonly string[], { context, signal, turn }: Run): Promise<Session> {
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
      if (!settled) settle(() => reject(new ConnectError('unreachable', 'given up')))
    }
    const start = () => {
      clearTimeout(stagger)
      const way = ways[next++]
      if (way === undefined) return
      stagger = next < ways.length ? setTimeout(start, context.staggerMs) : undefined
      const onSocket = () => {
        if (settled || stagger === undefined) return
        clearTimeout(stagger)
        stagger = setTimeout(start, 5 * context.staggerMs)
      }
      along(host, way, { context, signal: stop.signal, onSocket, turn }).then(
        (session) => {
          if (settled) session.close()
          else settle(() => resolve(session))
        },
        (error: unknown) => {
          if (settled) return
          failures.set(way, error)
          if (endsTheSearch(error, way) || failures.size === ways.length) settle(() => reject(verdict(ways, failures)))
          else start()
        },
      )
    }
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    start()
  })
}

async function along(host: Gateway | Device, way: string, { context, signal, onSocket, turn }: Way): Promise<Session> {
  const open = await opener(host, way, context)
  const socket = open && (() => open(signal))
  const stands = (connection: Duplex) => {
    onSocket()
    // What is said through a channel is not counted.
    turn.connected(() => !(connection instanceof Socket) || connection.bytesRead > 0)
  }
  return context.handshakes(host.name)(() =>
    connect(host, { wire: context.wire, via: way, socket, signal, onSocket: stands }),
  )
}

/** The host itself said no. A machine on the way, or whoever sits behind its forward's port, does not speak for it. */
function endsTheSearch(error: unknown, way: string): boolean {
  if (!(error instanceof ProvisionError)) return true
  if (!(error instanceof ConnectError) || error instanceof HopError || error.kind === 'unreachable') return false
  return !isForwardWay(way) || error.kind === 'login'
}

function verdict(ways: readonly string[], failures: ReadonlyMap<string, unknown>): unknown {
  const all = ways.flatMap((way) => (failures.has(way) ? [{ way, error: failures.get(way) }] : []))
  const decisive = all.find(({ way, error }) => endsTheSearch(error, way))
  if (decisive !== undefined) return decisive.error
  const own = all.find(
    ({ error }) => error instanceof ConnectError && !(error instanceof HopError) && error.kind !== 'unreachable',
  )
  if (own !== undefined) return own.error
  if (all.length === 1) return all[0]?.error instanceof ConnectError ? all[0].error : unreachable(all)
  return unreachable(all)
}

function unreachable(all: readonly { readonly way: string; readonly error: unknown }[]): ConnectError {
  const said = all.map(({ way, error }) => `${way}: ${error instanceof Error ? error.message : String(error)}`)
  const hints = all.flatMap(({ error }) =>
    error instanceof ProvisionError && error.hint !== undefined ? [error.hint] : [],
  )
  const fallback = 'is it switched on? See "address", "port" and "via", and try `ssh` with the same name'
  return new ConnectError(
    'unreachable',
    `no way in worked (${said.join('; ')})`,
    [...new Set(hints)].join('; ') || fallback,
  )
}
