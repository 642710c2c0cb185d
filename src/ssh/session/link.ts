import type { Duplex } from 'node:stream'
import { type ConnectError, RemoteError } from '../../errors.ts'
import type { HostKey, KnownKeys } from '../host-keys/pins.ts'
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
  /** The host hung up before it said who it is, as sshd does when too many knock (MaxStartups): worth another try. */
  | { readonly kind: 'early'; readonly error: ConnectError }

/** An authenticated connection. */
export interface Link {
  /** The host key it proved. */
  readonly key: HostKey
  /** The fingerprint of the key that let us in, where that is known. */
  readonly accepted?: string | undefined
  /** Other host keys that its sshd serves and has proved since; whole once a command has ended. */
  proved(): readonly HostKey[]
  run(command: string, io: Io): Running
  /** A `direct-tcpip` channel, once it stands. @throws RemoteError `refused`, `lost` */
  channel(address: string, port: number): Promise<Duplex>
  /** Tells once that the connection is gone, by us or not, with the reason where one is known. */
  onGone(tell: (reason: string | undefined) => void): void
  /** Says goodbye, and does not wait for an answer: a peer that is gone would keep the process alive. */
  hangUp(): void
}

export interface Io {
  readonly stdin: string
  readonly onStdout: (chunk: Buffer) => void
  readonly onStderr: (chunk: Buffer) => void
}

export interface Running {
  /** How its channel closed. Both null: the connection went away. @throws RemoteError `lost`; NoSession */
  readonly closed: Promise<{ readonly code: number | null; readonly signal: string | null }>
  close(): void
}

/** sshd opened no session: nothing has run. */
export class NoSession extends RemoteError {
  constructor() {
    super('refused', 'its sshd opens no session', 'MaxSessions 0, or a key that may only forward?')
  }
}
