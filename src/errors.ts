/** What went wrong, for a person: lower case, no full stop; `hint` says what to do now. Neither ever holds a secret. */
export class ProvisionError extends Error {
  override readonly name: string = 'ProvisionError'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** For `catch`, where it is a value like others. @throws every other error as it is */
export function asProvisionError(error: unknown): ProvisionError {
  if (error instanceof ProvisionError) return error
  throw error
}

/** One sentence about one place of a file; lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** The command line or the inventory is wrong: nothing was contacted, exit code 2. */
export class InventoryError extends ProvisionError {
  override readonly name = 'InventoryError'
  /** What the message says, place by place; nothing where it is about no place in a file. */
  readonly problems: readonly Problem[]
  constructor(message: string, hint?: string, problems: readonly Problem[] = []) {
    super(message, hint)
    this.problems = problems
  }
}

/** Why there is no session: each kind has its own remedy. Only `unreachable` may be tried again at once. */
export type ConnectKind = 'unreachable' | 'login' | 'unknown-host-key' | 'changed-host-key'

/** A host could not be logged in to. */
export class ConnectError extends ProvisionError {
  override readonly name = 'ConnectError'
  readonly kind: ConnectKind
  constructor(kind: ConnectKind, message: string, hint?: string) {
    super(message, hint)
    this.kind = kind
  }
}

/** The machine answered, and nothing listens on the port of its sshd. */
export class PortClosed extends ConnectError {
  constructor(message: string, hint?: string) {
    super('unreachable', message, hint)
  }
}

/** The host has no host key of a type that was asked for. */
export class NoCommonHostKey extends ConnectError {}

/** An unknown host key that is pinned for a host which the inventory does not name any more. */
export class RenamedHost extends ConnectError {
  readonly formerName: string
  constructor({ message, hint }: { readonly message: string; readonly hint: string }, formerName: string) {
    super('unknown-host-key', message, hint)
    this.formerName = formerName
  }
}

/** The host proved its pinned key, and then refused our login. */
export class LoginRefused extends ConnectError {
  readonly hostKey: string
  constructor({ message, hint }: Pick<ConnectError, 'message' | 'hint'>, hostKey: string) {
    super('login', message, hint)
    this.hostKey = hostKey
  }
}

/** A session was there, but what it ran did not end in a way that we can trust. `lost`: the connection is gone. */
export type RemoteKind = 'lost' | 'timeout' | 'sudo' | 'output' | 'refused'

export class RemoteError extends ProvisionError {
  override readonly name = 'RemoteError'
  readonly kind: RemoteKind
  constructor(kind: RemoteKind, message: string, hint?: string) {
    super(message, hint)
    this.kind = kind
  }
}

/** `lost`, for the host has answered no keepalive for so many seconds. */
export class HostSilent extends RemoteError {
  readonly seconds: number
  constructor(seconds: number, { message, hint }: { readonly message: string; readonly hint?: string }) {
    super('lost', message, hint)
    this.seconds = seconds
  }
}

/**
 * The host opens no connection of this kind for anybody, wherever it would lead (AllowTcpForwarding, sshd_config(5)).
 */
export class ForwardingProhibited extends RemoteError {
  constructor(message: string) {
    super('refused', message)
  }
}
