import type { Duplex, Readable, Writable } from 'node:stream'
import type { LocalTerminal } from './link.ts'

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

/** … and what people do by hand through the same connection, and watchers. */
export interface FullSession extends Session {
  /**
   * As `forward`, to a unix socket of the host (`direct-streamlocal@openssh.com`); by node-ssh alone.
   * @throws RemoteError `refused`, `lost`, `timeout`
   */
  forwardToSocket(path: string): Promise<Duplex>
  /**
   * Runs a shell line with its streams open, by the account's own shell, or by root's where `privileged`; its exit
   * code. Both outputs have come whole and byte for byte by then, and are not ended. An abort ends what runs there:
   * then it is 130.
   * @throws RemoteError `lost`, `sudo`, `refused`; what the destination of an output throws
   */
  stream(line: string, streams: Streams): Promise<number>
  /**
   * A terminal on the host, with the account's shell or with a line of its own; the exit code.
   * @throws RemoteError `lost`, `refused`
   */
  terminal(line: string | undefined, here: LocalTerminal): Promise<number>
  /** One whole file by sftp, over what is there. @throws RemoteError `refused`, `lost` */
  put(local: string, remote: string): Promise<void>
  /** The same the other way. */
  get(remote: string, local: string): Promise<void>
}

export interface Streams {
  readonly privileged: boolean
  /** Absent: there is no input. */
  readonly stdin?: Readable | undefined
  readonly stdout: Writable
  readonly stderr: Writable
  readonly signal?: AbortSignal | undefined
}

export interface ExecResult {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: Buffer
}
