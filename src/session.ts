import type { Duplex } from 'node:stream'
import { ConnectError } from './errors.ts'
import type { Host } from './inventory/model.ts'
import { identity } from './session/identity.ts'
import { knock } from './session/knock.ts'
import { openSession } from './session/open-session.ts'
import { dial } from './session/socket.ts'
import { transportTo } from './session/transport.ts'
import { knownKeys, settleKey } from './session/vouching.ts'
import type { Wire } from './session/wire.ts'
import { undertaking } from './ssh/session/connections.ts'

export { type Counts, noCounts, type Wire, type WireOptions, wire } from './session/wire.ts'

/** One authenticated connection to a host, its host key pinned. The only door to the wire. */
export interface Session {
  readonly host: string
  /** `direct`, `forward`, or the gateway it went through. */
  readonly via: string
  /** As whom we logged in, and the fingerprint (`SHA256:…`) of the key that let us in; absent where that is not known. */
  readonly login?: { readonly user: string; readonly key?: string }
  /** The host key it proved, as `ssh-ed25519 AAAA…`. */
  readonly hostKey: string
  /** All host keys that it has proved: that one, and, once an exec has ended, every other that its sshd serves now. */
  hostKeys(): readonly string[]
  /**
   * Runs a POSIX sh script, sent on stdin, as root where `privileged`. `input`: what the script finds on its own stdin, a secret
   * for example: it is in no argument, no environment and no log of ours.
   * Resolves only when the script's own end was seen, whatever its exit code.
   * After a `timeout` or `lost`, what it started may still run there.
   * @throws RemoteError `lost`, `timeout`, `sudo`, `output` (more than the cap), `refused` (the account runs no commands)
   */
  exec(
    script: string,
    options: { readonly timeoutMs: number; readonly privileged: boolean; readonly input?: string },
  ): Promise<Result>
  /** A connection made by the host itself to one of its own addresses (`direct-tcpip`). @throws RemoteError `refused`, `lost`, `timeout` */
  forward(address: string, port: number): Promise<Duplex>
  close(): void
}

export interface Result {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: Buffer
}

export interface ConnectOptions {
  readonly wire: Wire
  /** What the session says it came by. Default `direct`. */
  readonly via?: string
  /**
   * A connection to the host's sshd, a new one at each call: through a gateway, `() => gateway.forward(address, port)`.
   * Absent: TCP to the host's address, no ProxyJump (`reach` knows those).
   */
  readonly socket?: (() => Promise<Duplex>) | undefined
  readonly signal?: AbortSignal | undefined
  /** Told each time a connection stands, before sshd has said anything through it. */
  readonly onSocket?: ((socket: Duplex) => void) | undefined
  /** Told once, when the session's connection is gone, by us or not. */
  readonly onClose?: (() => void) | undefined
}

/**
 * Logs in to a host. Its host key is judged before anything of ours is sent; an unknown one is settled with the
 * connection closed, and then we come again. A refused login is never tried twice: sshd penalises the whole network.
 * Only a host that hung up before it spoke is, up to three times, and only on a socket of our own.
 * @throws ConnectError
 */
export async function connect(host: Host, options: ConnectOptions): Promise<Session> {
  const opening = undertaking(options.wire.connections, options.signal)
  try {
    return await login(host, { ...options, signal: opening.signal })
  } finally {
    opening.done()
  }
}

async function login(host: Host, options: ConnectOptions & { readonly signal: AbortSignal }): Promise<Session> {
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
      if (signal.aborted) throw new ConnectError('unreachable', 'given up')
      const socket = await open()
      options.onSocket?.(socket)
      // One that was given twice: a transport would wait for its timeout.
      if (socket.destroyed) throw new ConnectError('unreachable', 'the connection was closed before the login')
      return transport(socket, { name: host.name, known, identity: who, config, wire, signal })
    }
    const answer = await knock(attempt, at)
    if (answer.kind === 'ready') {
      wire.counts.logins++
      const sudo = !host.login.sudo ? 'never' : wire.sudoPassword === undefined ? 'plain' : 'password'
      const as = { host: host.name, via: options.via ?? 'direct', user: who.user, sudo } as const
      return openSession({ link: answer.link, ...as, wire, onClose: options.onClose })
    }
    await settleKey(answer.key, at)
  }
  throw new ConnectError('changed-host-key', `${host.name} shows another host key each time`)
}
