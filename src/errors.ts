/** What went wrong, for a person: lower case, no full stop; `hint` says what to do now. Neither ever holds a secret. */
export class ProvisionError extends Error {
  override readonly name: string = 'ProvisionError'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** The words of the command line or the inventory are wrong: nothing was contacted, exit code 2. */
export class InventoryError extends ProvisionError {
  override readonly name = 'InventoryError'
}

/** Why no session came to be: each kind has its own remedy. Only `unreachable` may be tried again at once. */
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

/** A session was there, but what was asked of it did not come to an end we can trust. `lost`: the connection went away. */
export type RemoteKind = 'lost' | 'timeout' | 'sudo' | 'output' | 'refused'

export class RemoteError extends ProvisionError {
  override readonly name = 'RemoteError'
  readonly kind: RemoteKind
  constructor(kind: RemoteKind, message: string, hint?: string) {
    super(message, hint)
    this.kind = kind
  }
}
