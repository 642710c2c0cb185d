import type { Duplex } from 'node:stream'

/** One authenticated connection to a host, its host key pinned. Everything else uses the network through it. */
export interface Session {
  readonly host: string
  /** `direct`, `forward`, or the gateway it went through. */
  readonly via: string
  /**
   * As whom we logged in, and the fingerprint (`SHA256:…`) of the key that was accepted; absent where that is not
   * known.
   */
  readonly login?: { readonly user: string; readonly key?: string }
  /** The host key it proved, as `ssh-ed25519 AAAA…`. */
  readonly hostKey: string
  /** All host keys that it has proved: that one, and, once an exec has ended, every other that its sshd serves now. */
  hostKeys(): readonly string[]
  /**
   * Runs a POSIX sh script, sent on stdin, as root where `privileged`. `input`: what the script finds on its own
   * stdin, a secret for example: it is in no argument, no environment and no log of ours. Resolves only when the
   * script's own end was seen, whatever its exit code. After a `timeout` or `lost`, what it started may still run
   * there.
   * @throws RemoteError `lost`, `timeout`, `sudo`, `output` (more than the cap), `refused` (the account runs no
   * commands)
   */
  exec(
    script: string,
    options: { readonly timeoutMs: number; readonly privileged: boolean; readonly input?: string },
  ): Promise<ExecResult>
  /**
   * A connection made by the host itself to one of its own addresses (`direct-tcpip`).
   * @throws RemoteError `refused`, `lost`, `timeout`
   */
  forward(address: string, port: number): Promise<Duplex>
  close(): void
}

export interface ExecResult {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: Buffer
}
