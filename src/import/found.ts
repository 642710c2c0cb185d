import type { ForwardWords } from '../inventory/forward.ts'

/** What another program's file says of machines, in our words. */
export interface Found {
  readonly hosts: readonly FoundHost[]
  readonly groups: readonly FoundGroup[]
  /** What is not taken over, a sentence each. */
  readonly left: readonly string[]
}

export interface FoundGroup {
  readonly name: string
  /** Names of hosts, those of its children too. */
  readonly members: readonly string[]
}

export interface FoundHost {
  readonly name: string
  /** Other names of the same machine. */
  readonly aliases?: readonly string[]
  /** Where it is written, as `FILE:LINE`. */
  readonly place?: string
  readonly address?: string
  readonly port?: number
  readonly user?: string
  readonly identityFile?: string
  /** `[user@]host[:port]`, nearest to us first. */
  readonly jumps: readonly string[]
  /** Somebody opens ports on it with `ssh -R`. */
  readonly opened?: boolean
  /** The ports that it opens itself, on a host that is named as a jump is. */
  readonly dials?: readonly Dialled[]
}

export interface Dialled extends ForwardWords {
  readonly gateway: string
}
