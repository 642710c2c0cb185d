import type { Duplex } from 'node:stream'
import { NodeSSH } from 'node-ssh'
import type { AuthenticationType, AuthHandlerMiddleware } from 'ssh2'
import { ConnectError, LoginRefused } from '../../../errors.ts'
import { errorCode } from '../../../files/atomic.ts'
import { hostKeyOfBlob } from '../../host-keys/known-hosts.ts'
import { type HostKey, hostKeyText, judge } from '../../host-keys/pins.ts'
import { type Cause, connectError, isPenalised } from '../connect-error.ts'
import { saidLines } from '../end-mark.ts'
import { type Handshake, keepaliveCount, keepaliveSeconds, type LoginOutcome } from '../link.ts'
import { socketReason } from '../socket.ts'
import { algorithms } from './algorithms.ts'
import { hangUp, nodeSshLink } from './link.ts'

/**
 * From an open connection to a login by node-ssh, with the host key checked before anything of ours is sent.
 * A key that is not pinned ends the connection: people take their time to answer, and sshd's patience is short.
 * @throws ConnectError `unreachable`, `login`; LoginRefused where the key was proved
 */
export async function nodeSsh(socket: Duplex, wish: Handshake): Promise<LoginOutcome> {
  const { known, identity, signal } = wish
  const timeoutMs = wish.wire.connectTimeoutMs
  let seen: HostKey | undefined
  let greeting = ''
  let partial = false
  let spoke = false
  const offers = [...(identity?.offers ?? [])]
  let accepted: string | undefined
  const authHandler: AuthHandlerMiddleware = (_left, partialSuccess, next) => {
    partial ||= partialSuccess === true
    // @types/ssh2 does not know that false ends the attempts.
    const offer = offers.shift()
    accepted = offer?.fingerprint
    next(offer?.method ?? (false as unknown as AuthenticationType))
  }
  const ssh = new NodeSSH()
  const ready = ssh.connect({
    sock: socket,
    username: identity?.user ?? 'none',
    authHandler,
    algorithms: algorithms(known),
    hostVerifier: (blob: Buffer) => {
      seen = hostKeyOfBlob(blob)
      return identity !== undefined && seen !== undefined && judge(known, seen) === 'known'
    },
    readyTimeout: timeoutMs,
    keepaliveInterval: 1000 * keepaliveSeconds,
    keepaliveCountMax: keepaliveCount(timeoutMs),
  })
  const client = ssh.connection
  if (client === null) throw new ConnectError('unreachable', 'the connection was closed at once')
  // For ever: node-ssh takes its own listener off, and then a reset would end the process (node-ssh#421).
  client.on('error', () => undefined)
  // As many as there are channels.
  client.setMaxListeners(0)
  const said: string[] = []
  client.on('banner', (text) => said.push(...saidLines(text)))
  client.once('handshake', () => {
    spoke = true
  })
  const proved: HostKey[] = []
  // Right behind the login sshd offers to prove all its keys, and ssh2 has it do so (hostkeys-prove-00@openssh.com).
  client.once('hostkeys', (keys) => void proved.push(...keys.flatMap((key) => hostKeyOfBlob(key.getPublicSSH()) ?? [])))
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
    return { kind: 'ready', link: nodeSshLink({ ssh, client, key: seen, accepted, proved, socket }) }
  } catch (error) {
    hangUp(client, socket)
    if (signal?.aborted) throw new ConnectError('unreachable', 'cancelled')
    if (seen !== undefined && (identity === undefined || judge(known, seen) !== 'known'))
      return { kind: 'key', key: seen }
    const cause = causeOf(error)
    const tried = identity?.offers.slice(0, identity.offers.length - offers.length)
    const offered = tried?.map(({ label }) => label)
    said.push(...saidLines(disconnectText(error)))
    const attempt = { transport: 'node-ssh', greeting, spoke, partial, identity, offered, said, timeoutMs } as const
    const failure = connectError(cause, attempt)
    if (!spoke && cause.kind === 'hung-up' && !isPenalised(greeting)) return { kind: 'early', error: failure }
    // Once the key exchange has come to its end, the key that was seen has also signed it.
    throw failure.kind === 'login' && spoke && seen !== undefined
      ? new LoginRefused(failure, hostKeyText(seen))
      : failure
  } finally {
    signal?.removeEventListener('abort', onAbort)
    socket.removeListener('data', listen)
  }
}

/** What the host said with SSH_MSG_DISCONNECT: ssh2 makes an error of it whose code is the number that came with it. */
function disconnectText(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.message : ''
}

/** ssh2's words for what went wrong. */
function causeOf(error: unknown): Cause {
  if (!(error instanceof Error)) return { kind: 'other', why: 'the connection failed' }
  const level = 'level' in error ? error.level : undefined
  const { message } = error
  if (/no matching/i.test(message)) {
    const why = message.replace(/^Handshake failed: /, '')
    return { kind: 'no-match', why, hostKey: /host key/i.test(why) }
  }
  if (level === 'agent') return { kind: 'agent' }
  if (/too many authentication failures/i.test(message)) return { kind: 'too-many-keys' }
  if (level === 'client-authentication') return { kind: 'refused' }
  if (level === 'client-timeout') return { kind: 'timeout' }
  const code = errorCode(error)
  // The last are node-ssh's words for a connection that closed without an error.
  const lost = /before handshake/i.test(message) || code === 'ECONNRESET' || code === 'EPIPE'
  if (lost || message === 'No response from server' || disconnectText(error) !== '') return { kind: 'hung-up' }
  return { kind: 'other', why: socketReason(error) }
}
