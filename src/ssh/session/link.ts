import type { Duplex, Readable, Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { type ConnectError, RemoteError } from '../../errors.ts'
import type { KnownKeys } from '../host-keys/pinned.ts'
import type { HostKey } from '../host-keys/pins.ts'
import type { UserConfig } from '../user-config/user-config.ts'
import type { Identity } from './identity.ts'
import type { Wire } from './wire.ts'

/**
 * What a transport does: from an open connection to a login, and what goes through it afterwards. Sessions are made of
 * this alone, and nothing else knows which transport it is.
 */
export type Transport = (socket: Duplex, wish: Handshake) => Promise<LoginOutcome>

export interface Handshake {
  /** The host's HostKeyAlias. */
  readonly name: string
  readonly known: KnownKeys
  /** Absent: only the host key is wanted, and nobody logs in. */
  readonly identity?: Identity | undefined
  readonly config: UserConfig
  readonly wire: Wire
  readonly signal?: AbortSignal | undefined
}

export type LoginOutcome =
  | { readonly kind: 'ready'; readonly link: Link }
  /** A key that is not pinned, or the key alone was wanted: the connection is closed, nothing was sent to the host. */
  | { readonly kind: 'key'; readonly key: HostKey }
  /** The host closed the connection before its banner, as sshd does at too many logins (MaxStartups): worth a retry. */
  | { readonly kind: 'early'; readonly error: ConnectError }

/** An authenticated connection. */
export interface Link {
  /** The host key it proved. */
  readonly key: HostKey
  /** The fingerprint of the key that was accepted, where that is known. */
  readonly accepted?: string | undefined
  /** Other host keys that its sshd serves and has proved since; whole once a command has ended. */
  proved(): readonly HostKey[]
  run(command: string, io: Io): Running
  /** The same with its streams open, for more than fits into memory. @throws NoSession; RemoteError `lost` */
  open(command: string): Promise<OpenCommand>
  /** The account's shell, or a command, in a terminal. How it closed. @throws NoSession; RemoteError `lost` */
  terminal(command: string | undefined, here: LocalTerminal): Promise<Closed>
  /** One file by sftp. @throws RemoteError `refused`, `lost` */
  put(local: string, remote: string): Promise<void>
  get(remote: string, local: string): Promise<void>
  /** A `direct-tcpip` channel, once it is open. @throws RemoteError `refused`, `lost` */
  channel(address: string, port: number): Promise<Duplex>
  /** The same to a unix socket. Absent: this transport has none. @throws RemoteError `refused`, `lost` */
  socketChannel?(path: string): Promise<Duplex>
  /** Calls once when the connection is gone, closed by us or not. */
  onGone(notify: (gone: Gone) => void): void
  /** Closes the connection, and does not wait for an answer: a peer that is gone would keep the process alive. */
  hangUp(): void
}

/** Why a connection that was open is gone. */
export interface Gone {
  /** The host did not answer our keepalives. */
  readonly silent: boolean
  /** Where one is known. */
  readonly reason?: string | undefined
}

export const hostIsSilent: Gone = { silent: true, reason: 'the host no longer answers' }

/** Every 5 s, and three of them at least. A login may take as long as it may, and what follows it in PAM, too. */
export const keepaliveSeconds = 5
export const keepaliveCount = (timeoutMs: number): number => Math.max(3, Math.ceil(timeoutMs / 1000 / keepaliveSeconds))

export interface Io {
  readonly stdin: string
  readonly onStdout: (chunk: Buffer) => void
  readonly onStderr: (chunk: Buffer) => void
}

/** The terminal that somebody sits at. */
export interface LocalTerminal {
  readonly stdin: ReadStream
  readonly stdout: WriteStream
}

/** How a channel closed. Both null: the connection went away. */
export interface Closed {
  readonly code: number | null
  readonly signal: string | null
}

export interface Running {
  /** @throws RemoteError `lost`; NoSession */
  readonly closed: Promise<Closed>
  close(): void
}

export interface OpenCommand extends Running {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

export const lost = () => new RemoteError('lost', 'the connection was lost')

/** What its sftp said of a file. */
export function sftpRefused(why: string): RemoteError {
  return new RemoteError(
    'refused',
    `sftp: ${why}`,
    'is the disk full there, or `Subsystem sftp` gone from its sshd_config?',
  )
}

/** sshd opened no session: nothing has run. */
export class NoSession extends RemoteError {
  constructor() {
    super('refused', 'its sshd opens no session', 'is MaxSessions 0 there, or is this key allowed to forward only?')
  }
}
