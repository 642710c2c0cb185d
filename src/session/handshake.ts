import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { NodeSSH } from 'node-ssh'
import type { AuthenticationType, AuthHandlerMiddleware, Client } from 'ssh2'
import { ConnectError, LoginRefused } from '../errors.ts'
import { type HostKey, hostKeyText, judge, type KnownKeys } from '../pins.ts'
import { algorithms } from './algorithms.ts'
import { connectError, isPenalised, lostBeforeHandshake } from './failure.ts'
import type { Identity } from './identity.ts'
import { hostKey } from './known-hosts.ts'

export interface Handshake {
  readonly known: KnownKeys
  /** Absent: only the host key is wanted, and nobody logs in. */
  readonly identity?: Identity | undefined
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export type Outcome =
  | {
      readonly kind: 'ready'
      readonly ssh: NodeSSH
      readonly client: Client
      readonly key: HostKey
      readonly proved: readonly HostKey[]
    }
  /** A key that is not pinned, or the key alone was wanted: the connection is closed, nothing was sent to the host. */
  | { readonly kind: 'key'; readonly key: HostKey }
  /** The host hung up before it said who it is, as sshd does when too many knock (MaxStartups): worth another try. */
  | { readonly kind: 'early'; readonly error: ConnectError }

/**
 * From an open connection to a login, with the host key checked before anything of ours is sent.
 * A key that is not pinned ends the connection: people take their time to answer, and sshd's patience is short.
 * @throws ConnectError `unreachable`, `login`; LoginRefused where the key was proved
 */
export async function handshake(socket: Duplex, wish: Handshake): Promise<Outcome> {
  const { known, identity, signal } = wish
  let seen: HostKey | undefined
  let greeting = ''
  let partial = false
  let spoke = false
  const offers = [...(identity?.offers ?? [])]
  const authHandler: AuthHandlerMiddleware = (_left, partialSuccess, next) => {
    partial ||= partialSuccess === true
    // @types/ssh2 does not know that false ends the attempts.
    next(offers.shift()?.method ?? (false as unknown as AuthenticationType))
  }
  const ssh = new NodeSSH()
  const ready = ssh.connect({
    sock: socket,
    username: identity?.user ?? 'none',
    authHandler,
    algorithms: algorithms(known),
    hostVerifier: (blob: Buffer) => {
      seen = hostKey(blob)
      return identity !== undefined && seen !== undefined && judge(known, seen) === 'known'
    },
    readyTimeout: wish.timeoutMs,
    keepaliveInterval: 5000,
    keepaliveCountMax: 3,
  })
  const client = ssh.connection
  if (client === null) throw new ConnectError('unreachable', 'the connection closed at once')
  // For ever: node-ssh takes its own listener off, and then a reset would end the process (node-ssh#421).
  client.on('error', () => undefined)
  // As many as there are channels.
  client.setMaxListeners(0)
  client.once('handshake', () => {
    spoke = true
  })
  const proved: HostKey[] = []
  // Right behind the login sshd offers to prove all its keys, and ssh2 has it do so (hostkeys-prove-00@openssh.com).
  client.once('hostkeys', (keys) => void proved.push(...keys.flatMap((key) => hostKey(key.getPublicSSH()) ?? [])))
  const listen = (chunk: Buffer) => {
    if (greeting.length < 256) greeting += chunk.toString('latin1', 0, 256)
    else socket.removeListener('data', listen)
  }
  socket.on('data', listen)
  // A channel may stay half open for ever after its far side has ended (systemd-socket-proxyd passes that on), and ssh2
  // takes its timeout back then.
  socket.once('end', () => socket.destroy())
  const onAbort = () => socket.destroy()
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await ready
    if (seen === undefined) throw new Error('no host key')
    return { kind: 'ready', ssh, client, key: seen, proved }
  } catch (error) {
    hangUp(client, socket)
    if (signal?.aborted) throw new ConnectError('unreachable', 'given up')
    if (seen !== undefined && (identity === undefined || judge(known, seen) !== 'known'))
      return { kind: 'key', key: seen }
    if (!spoke && lostBeforeHandshake(error) && !isPenalised(greeting))
      return { kind: 'early', error: connectError(error, { greeting, spoke }) }
    const failure = connectError(error, { greeting, spoke, partial, identity, timeoutMs: wish.timeoutMs })
    // Once the key exchange has come to its end, the key that was seen has also signed it.
    throw failure.kind === 'login' && spoke && seen !== undefined
      ? new LoginRefused(failure, hostKeyText(seen))
      : failure
  } finally {
    signal?.removeEventListener('abort', onAbort)
    socket.removeListener('data', listen)
  }
}

/** Says goodbye, and does not wait for an answer: a peer that is gone would keep the process alive. */
export function hangUp(client: Client, socket: Duplex): void {
  client.end()
  if (!(socket instanceof Socket)) return void socket.destroy()
  socket.destroySoon()
  // What was written may never leave, when the link is dead.
  setTimeout(() => socket.destroy(), 1000).unref()
}
