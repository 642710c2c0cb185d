import type { Duplex } from 'node:stream'
import { ConnectError } from '../../errors.ts'
import type { Host } from '../../inventory/model.ts'
import { undertaking } from './connections.ts'
import { knownKeys, settleKey } from './host-trust.ts'
import { identity } from './identity.ts'
import { openSession } from './open-session.ts'
import { connectWithRetry } from './retry.ts'
import type { FullSession } from './session.ts'
import { dial } from './socket.ts'
import { transportTo } from './transport.ts'
import type { Wire } from './wire.ts'

export interface ConnectOptions {
  readonly wire: Wire
  /** The route, as `session.via` names it. Default `direct`. */
  readonly via?: string
  /**
   * A connection to the host's sshd, a new one at each call: through a gateway, `() => gateway.forward(address, port)`.
   * Absent: TCP to the host's address, no ProxyJump (`reach` knows those).
   */
  readonly socket?: (() => Promise<Duplex>) | undefined
  readonly signal?: AbortSignal | undefined
  /** Called each time a connection is open, before sshd has sent anything through it. */
  readonly onSocket?: ((socket: Duplex) => void) | undefined
  /** Called once, when the session's connection is gone, closed by us or not. */
  readonly onClose?: (() => void) | undefined
}

/**
 * Logs in to a host. Its host key is judged before anything of ours is sent; an unknown one is settled with the
 * connection closed, and then we connect again. A refused login is never tried twice: sshd penalises the whole network.
 * Only where the host closed the connection before its banner there are up to three retries, on a socket of our own.
 * @throws ConnectError
 */
export async function connect(host: Host, options: ConnectOptions): Promise<FullSession> {
  const opening = undertaking(options.wire.connections, options.signal)
  try {
    return await login(host, { ...options, signal: opening.signal })
  } finally {
    opening.done()
  }
}

async function login(host: Host, options: ConnectOptions & { readonly signal: AbortSignal }): Promise<FullSession> {
  const { wire, signal } = options
  const config = await wire.userConfig(host.name)
  const who = await identity(host, config, wire.keys)
  const target = { host: host.address ?? config.hostname, port: host.port ?? config.port }
  const { connections, connectTimeoutMs: timeoutMs } = wire
  const open = options.socket ?? (() => dial({ ...target, timeoutMs, connections, signal }))

  const transport = transportTo(host, wire)
  const ownSocket = options.socket === undefined
  const at = { host: { ...host, port: target.port }, wire, config, open, ownSocket, signal }
  // Once for the answer; twice would be a host that shows another key each time.
  for (let settled = 0; settled <= 2; settled++) {
    const known = await knownKeys(at)
    const attempt = async () => {
      if (signal.aborted) throw new ConnectError('unreachable', 'cancelled')
      const socket = await open()
      options.onSocket?.(socket)
      // A socket that was used before: a transport would wait for its timeout.
      if (socket.destroyed) throw new ConnectError('unreachable', 'the connection was closed before the login')
      return transport(socket, { name: host.name, known, identity: who, config, wire, signal })
    }
    const answer = await connectWithRetry(attempt, at)
    if (answer.kind === 'ready') {
      wire.counts.logins++
      if (answer.link.accepted !== undefined) wire.keys.accepted.add(answer.link.accepted)
      const sudo = !host.login.sudo ? 'never' : wire.sudoPassword === undefined ? 'plain' : 'password'
      const as = { host: host.name, via: options.via ?? 'direct', user: who.user, sudo } as const
      return openSession({ link: answer.link, ...as, wire, onClose: options.onClose })
    }
    await settleKey(answer.key, at)
  }
  throw new ConnectError('changed-host-key', `${host.name} presents another host key each time`)
}
