import type { ForwardReport, RecoveryReport, RunsOn, Trouble } from '../report.ts'

/** Every forward as its gateway and a proof through it show it: the document that `status --json` prints. */
export interface StatusReport {
  readonly version: 1
  readonly command: 'status'
  readonly inventory: string
  /** When the look began, ISO 8601, as all times here: by the clock of the machine that looked. */
  readonly at: string
  readonly seconds: number
  readonly exitCode: number
  readonly gateways: readonly GatewayStatus[]
  readonly forwards: readonly ForwardStatus[]
  /** Devices within the limit that no forward leads to. */
  readonly without: readonly string[]
  /** What the look cost. */
  readonly wire: { readonly connections: number; readonly execs: number }
}

export interface GatewayStatus {
  readonly name: string
  /** `unread`: logged in to, but what it knows of its tunnels could not be read; they are proved all the same. */
  readonly state: 'ok' | 'unread' | 'unreachable'
  /** Since its boot. */
  readonly since?: string
  readonly runsOn?: RunsOn
  readonly error?: Trouble
}

/** What a gateway knows of one forward. Each only where it could be known. */
export interface EndpointReport {
  /**
   * How long it has been in its state: since the tunnel came up, was heard last, went away, or another process took the
   * port.
   */
  readonly since?: string
  /** The session of sshd behind it: since when, and the address that it comes from. */
  readonly session?: { readonly since?: string; readonly from?: string }
  /** Who has the port instead. */
  readonly holder?: string
  /** What systemd says of the port's unit, where it is not active. */
  readonly unit?: string
}

export interface ForwardStatus extends ForwardReport, EndpointReport {
  /** How soon it is back after a fault, in seconds. */
  readonly recovery?: Omit<RecoveryReport, 'device' | 'gateway' | 'bindAddress' | 'port'>
  /** What to do now, where it is not ok: a command or a sentence. */
  readonly next?: string
}
