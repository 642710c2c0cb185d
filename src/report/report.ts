/** What happened, as values: the document that `--json` prints. Durations in seconds. Never holds a secret. */
export interface Report {
  readonly version: 1
  readonly command: 'apply' | 'check' | 'verify' | 'undo' | 'undo-check' | 'drill'
  readonly inventory: string
  readonly seconds: number
  readonly exitCode: number
  readonly hosts: readonly HostReport[]
  readonly forwards: readonly ForwardReport[]
  /** What is promised of each forward with the settings that it has after the run, or would have. */
  readonly recoveries: readonly RecoveryReport[]
  /** How long each device's tunnel may be down during the planned change; absent where nothing was planned. */
  readonly away?: readonly AwayReport[]
  /** What was begun and is not finished: a sentence each; the next run continues it. */
  readonly pending?: readonly string[]
  /** Who else is known on these hosts, and was left alone: `pi1 (127.0.0.1:9022 on ssh-gw.guest.internal)` each. */
  readonly others?: readonly string[]
  /** What was tried in the end, where a command tries something. */
  readonly proofs?: readonly ProofReport[]
  /** What was broken on purpose. */
  readonly faults?: readonly FaultReport[]
  /** What a run that was told to look at less could not tell. */
  readonly unchecked?: readonly UncheckedReport[]
  /** Of the shards of a run those that have left no report, such as `2/4`. */
  readonly lostShards?: readonly string[]
  /** Whose report this is, where several machines share the hosts. */
  readonly shard?: ShardReport
  /** What the run cost on the wire. */
  readonly wire: { readonly connections: number; readonly execs: number }
}

export type Outcome = 'ok' | 'changed' | 'differs' | 'rejected' | 'undone' | 'undo-failed' | 'unreachable' | 'unknown'

export interface HostReport {
  readonly name: string
  readonly role: 'gateway' | 'device'
  readonly outcome: Outcome
  /**
   * How it was reached: `direct`, `forward`, `forward on GATEWAY` where several have one, or the gateway it went
   * through.
   */
  readonly via?: string
  readonly seconds: number
  /** What was looked at, in the playbook's order; nothing where it was not reached. */
  readonly resources: readonly string[]
  readonly changes: readonly ChangeReport[]
  /** The run that an undo reverts here, and who began it when. */
  readonly takesBack?: { readonly run: string; readonly who: string }
  readonly error?: Trouble
}

export interface ChangeReport {
  readonly resource: string
  readonly summary: string
  /** To what is there; absent: not known, as in what an earlier version has left. `remove`: something goes. */
  readonly effect?: 'add' | 'change' | 'remove'
  readonly diff?: string
  /** Digest of what was observed on the host: while it is the same, the change is the same. */
  readonly seen?: string
  /** What runs and is stopped or restarted by it, up again or failed within so many seconds. */
  readonly interrupts?: { readonly units: readonly string[]; readonly seconds: number }
}

export interface Trouble {
  readonly message: string
  readonly hint?: string
}

export type ForwardState = 'ok' | 'no-tunnel' | 'stale' | 'device-sshd-down' | 'wrong-device' | 'unverified'

export interface ForwardReport {
  readonly device: string
  readonly gateway: string
  readonly bindAddress: string
  readonly port: number
  readonly state: ForwardState
  /** SHA256 fingerprint of the host key that answered. */
  readonly hostKey?: string
  /** Until the login through the forward was done. */
  readonly latencyMs?: number
  /** When the device last proved who it is, through any forward, as far as this machine knows; ISO 8601. */
  readonly lastProof?: string
  /** Seconds that the run waited until it was so; absent: it did not have to. */
  readonly waited?: number
  /** Of `unverified`: a connection that the proof needed was lost, so the next proof may find something else. */
  readonly cut?: true
  /** What the proof leaves open although the state is `ok`: a sentence. */
  readonly unchecked?: string
  /** What the device is, as it says itself once it has proved who it is. */
  readonly runsOn?: RunsOn
  readonly error?: Trouble
}

/**
 * Each only where it could be known: `Debian GNU/Linux 13 (trixie)`, `6.12.20+rpt-rpi-v8`, `Raspberry Pi 4 Model B`,
 * `OpenSSH_10.0p2`.
 */
export interface RunsOn {
  readonly os?: string
  readonly kernel?: string
  readonly model?: string
  readonly sshd?: string
}

/** `index` counts from 1 to `count`; names or globs as of `--limit`, empty: all hosts were shared. */
export interface ShardReport {
  readonly index: number
  readonly count: number
  readonly limit: readonly string[]
}

export interface UncheckedReport {
  readonly host: string
  readonly what: string
}

export interface ProofReport {
  readonly host: string
  readonly what: string
  /** `untried`: the host could not be asked, or there was nothing to try it with. */
  readonly state: 'holds' | 'fails' | 'untried'
  /** It is about a key, which there may be none of. */
  readonly kind?: 'key'
  /** What it is one of: `attempts with its key on ssh-gw.guest.internal`. Those that hold are one line in the text. */
  readonly of?: string
  readonly error?: Trouble
}

/** Seconds until the forward is back after the fault is over; see src/tunnel/recovery.ts. */
export interface RecoveryReport extends Pick<ForwardReport, 'device' | 'gateway' | 'bindAddress' | 'port'> {
  readonly powerCut: number
  readonly silentLink: number
  readonly frozenClient: number
  /**
   * The round trip between device and gateway that this allows for, in ms, and what of it is the link's. Absent: not
   * known, a quick one is assumed.
   */
  readonly roundTripMs?: number
  readonly linkSeconds?: number
  /** `recoverWithin`, where the link makes it longer than that. */
  readonly wished?: number
}

/** Seconds in which the device's tunnel may be gone; 0: it is not interrupted. */
export interface AwayReport {
  readonly device: string
  readonly seconds: number
  /** The same, where the change does not hold and the host undoes it. */
  readonly undone: number
}

export interface FaultReport {
  readonly name: 'kill' | 'freeze' | 'network' | 'sshd' | 'port'
  readonly title: string
  /** Where it happened. */
  readonly host: string
  /** Seconds, as in the plan. */
  readonly promised?: number
  /** Seconds until the right device answered again; absent: it did not, or nothing happened. */
  readonly seconds?: number
  readonly verdict: 'kept' | 'late' | 'never' | 'untried'
  readonly error?: Trouble
}

/** Of a drill: what was asked for and not kept, or not done, is a failure. */
export function faultsExitCode(before: number, faults: readonly FaultReport[], interrupted: boolean): number {
  if (interrupted) return 130
  return before || (faults.every(({ verdict }) => verdict === 'kept') ? 0 : 1)
}

/** Where in the inventory hosts and forwards were written; undefined: not in this file. */
export interface Source {
  /** As those who read a report know it: a path that begins where their checkout does. */
  readonly file: string
  host(name: string): Spot | undefined
  forward(forward: Pick<ForwardReport, 'device' | 'gateway' | 'bindAddress' | 'port'>): Spot | undefined
}

/** Both count from 1. */
export interface Spot {
  readonly line: number
  readonly column: number
}

type Listener = Pick<ForwardReport, 'device' | 'gateway' | 'bindAddress' | 'port'>

/** Are these about one and the same forward. */
export function isSameForward(one: Listener, other: Listener): boolean {
  return (
    one.device === other.device &&
    one.gateway === other.gateway &&
    one.bindAddress === other.bindAddress &&
    one.port === other.port
  )
}

/** It may be neither as it was nor as it should be. */
const uncertain: readonly Outcome[] = ['undo-failed', 'unreachable', 'unknown']

const good = new Set<string>(['ok', 'holds', 'untried'])

/**
 * 3 wins over 1, and 1 over 4: a host in an uncertain state is worse than one that refused, and that is worse than a
 * difference.
 */
export function exitCode(
  hosts: readonly HostReport[],
  proved: readonly { readonly state: ForwardState | ProofReport['state'] }[],
  interrupted: boolean,
): number {
  if (interrupted) return 130
  const outcomes = new Set(hosts.map(({ outcome }) => outcome))
  if (uncertain.some((outcome) => outcomes.has(outcome))) return 3
  if (outcomes.has('rejected') || outcomes.has('undone') || proved.some(({ state }) => !good.has(state))) return 1
  return outcomes.has('differs') ? 4 : 0
}
