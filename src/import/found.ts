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
  readonly address?: string
  readonly port?: number
  readonly user?: string
  readonly identityFile?: string
  /** `[user@]host[:port]`, nearest to us first. */
  readonly jumps: readonly string[]
}
