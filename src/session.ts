import type { Duplex } from 'node:stream'

/** One authenticated connection to a host, its host key pinned. The only door to the wire. */
export interface Session {
  readonly host: string
  /** `direct`, `forward`, or the gateway it went through. */
  readonly via: string
  /** The host key it proved, as `ssh-ed25519 AAAA…`. */
  readonly hostKey: string
  /**
   * Runs a POSIX sh script, sent on stdin, as root where `privileged`.
   * Resolves only when the script's own end was seen, whatever its exit code.
   * @throws RemoteError `lost`, `timeout`, `sudo`, `output` (more than the cap)
   */
  exec(script: string, options: { readonly timeoutMs: number; readonly privileged: boolean }): Promise<Result>
  /** A connection made by the host itself to one of its own addresses (`direct-tcpip`). @throws RemoteError `refused`, `lost` */
  forward(address: string, port: number): Promise<Duplex>
  close(): void
}

export interface Result {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: Buffer
}
