import { lines, type Sh } from '../shell/sh.ts'

/** One thing a host should have. A plain value: it holds no connection and does nothing itself. */
export interface Resource {
  /** Unique on its host, and what a person reads in the plan: `systemd-unit reverse-tunnel.service`. */
  readonly id: string
  /** Prints the present state and changes nothing; the same state prints the same bytes. Runs as root. */
  readonly inspect: Sh
  /**
   * Questions that its `inspect` shares with others, and also holds: each sets variables, and does nothing where they
   * are set. Asked once for all that is looked at together.
   */
  readonly asks?: readonly Sh[]
  /** From what `inspect` printed to what is wanted. `later`: something it needs is not known yet. */
  diff(now: Observed, seen: Seen): Change | Refused | 'converged' | 'later'
  /**
   * Resources that want nothing, looked at beside it, once for a host: its `diff` finds what they showed by
   * `seen.here`.
   */
  readonly facts?: readonly Resource[]
  /** It wants nothing itself: its refusal counts only where something else is to be changed on the host. */
  readonly onlyBeforeChanges?: true
  /**
   * Host keys that this host says, as root, it is going to prove: pinned beside the inventory as soon as it has shown
   * them.
   */
  hostKeys?(now: Observed): readonly string[]
}

/** What these share, each question once. */
export const questionsOf = (resources: readonly Resource[]): Sh =>
  lines(...new Map(resources.flatMap(({ asks = [] }) => asks.map((ask) => [ask.text, ask] as const))).values())

/** The same, only looked at: for a step that changes what a later step starts from. */
export function lookedAt(resource: Resource): Resource {
  return { ...resource, diff: () => 'converged' }
}

/** What an inspect printed, as UTF-8. */
export type Observed = string

/** What every host has shown so far in this run. */
export interface Seen {
  /** What the resource with this id last showed on this host; undefined when it has not (yet). */
  of(host: string, id: string): Observed | undefined
  /** The same of the host that is spoken of. */
  here?(id: string): Observed | undefined
  /** This host will show nothing more in this run: unreachable, failed, or outside `--limit`. */
  gone(host: string): boolean
  /** The pinned key by which we knew this host at our login, as `ssh-ed25519 AAAA…`. */
  hostKey?(host: string): string | undefined
  /** As whom this run has logged in there; `isKey`: was it with the key of these base64 words. Absent: not known. */
  login?(host: string): { readonly user: string; readonly isKey?: (blob: string) => boolean } | undefined
  /** How this host was reached in this run: `direct`, `forward`, or the gateway it was reached through. */
  via?(host: string): string | undefined
  /** This host is within the limit, and could not be reached or failed. */
  failed(host: string): boolean
  /** Every host key that its sshd proved at the newest login; undefined while there was none. */
  proved?(host: string): readonly string[] | undefined
  /**
   * Has this device answered, as itself, through the forwards that it is to have, since it was changed in this run;
   * undefined: that has not been tried.
   */
  answers?(device: string): boolean | undefined
  /** Would this machine log in to the host if it proved this key: pinned, or to be accepted in place of the pin. */
  trusts?(host: string, key: string): boolean
}

/**
 * A value, or one that depends on what hosts have shown; undefined: not known yet. An id is never late, only content.
 */
export type Late<T> = T | ((seen: Seen) => T | undefined)

export function known<T>(late: Late<T>, seen: Seen): T | undefined {
  return typeof late === 'function' ? (late as (seen: Seen) => T | undefined)(seen) : late
}

/**
 * How to get from now to wanted. Every piece runs as root under `sh -e`, without stdin, in its own process;
 * `$stage` is a private folder of this change; `put FROM TO MODE OWNER` replaces a file in one rename.
 */
export interface Change {
  /** What a person reads: `write, enable and start`. */
  readonly summary: string
  /** To what is there; absent: what its `text` tells (`effectOf`). */
  readonly effect?: Effect
  /** What a person compares. */
  readonly text?: { readonly name: string; readonly now: string; readonly wanted: string }
  /**
   * Files, links and folders that commit may touch: saved before, put back by undo, absence included. Parents first.
   */
  readonly saves: readonly string[]
  /** Writes candidates below `$stage`; touches nothing live. */
  readonly stage?: Sh
  /** Fails, with the reason on stderr, when a candidate must not go live. Touches nothing live. */
  readonly validate?: Sh
  /** Puts the candidates in their places. */
  readonly commit: Sh
  /** Makes it live, after all commits. Equal pieces of several changes run once. */
  readonly activate?: Sh
  /**
   * The host keys that its sshd has once this is live, where they differ from now. All other pins of the host are
   * dropped then.
   */
  readonly hostKeys?: readonly string[]
  /** What runs and is stopped or restarted by `activate`, which has it up again within so many seconds, or fails. */
  readonly interrupts?: { readonly units: readonly string[]; readonly seconds: number }
  /** Makes the old state live again, after the saved files are back. May run twice, and when nothing was activated. */
  readonly undo?: Sh
  /**
   * It only ends what runs, sessions say, which come back by themselves or not at all, or makes what every boot makes
   * too. After a rollback every other change has to show what it showed before.
   */
  readonly endsOnly?: true
  /** Fails, with the reason on stderr, while undoing it would do more than that. Asked before a run is undone. */
  readonly undoable?: Sh
}

/**
 * `add`: there was nothing, and nothing else is touched. `remove`: something that is there goes, whatever else is
 * done: a person has to see it.
 */
export type Effect = 'add' | 'change' | 'remove'

/** Where a change does not say it: a text that begins or ends as nothing tells. */
export function effectOf({ effect, text }: Pick<Change, 'effect' | 'text'>): Effect {
  return effect ?? (text?.now === '' ? 'add' : text?.wanted === '' ? 'remove' : 'change')
}

/** The host is in a state that this resource must not touch. */
export interface Refused {
  readonly refused: string
  readonly hint?: string
}

/**
 * A sentence, and a shell script that checks it as root and changes nothing: exit code 0 when it holds, else stderr
 * says what is there instead.
 */
export interface Proof {
  readonly what: string
  /** `key`: without a key it cannot be tried, and then there is nothing that it would have to hold for. */
  readonly kind?: 'key'
  /** Undefined: there is nothing to try it with. */
  readonly script: Sh | ((seen: Seen) => Sh | undefined)
}

/**
 * What another host tries on one that has changed, before the change is kept. Where it is refused, the change is rolled
 * back.
 */
export interface Trial {
  /** Does a change of this resource have to be tried. */
  readonly concerns: (id: string) => boolean
  /** The first of these hosts that was reached tries it; none of them: nothing is tried. */
  readonly by: readonly string[]
  /**
   * Run as root by that host, with so many seconds for it: exit code 0 when it works; stdout is the log of `ssh -v`.
   * Undefined: there is nothing to try.
   */
  readonly script: (by: string, seen: Seen, seconds: number) => Sh | undefined
  /** Run as root on the changed host afterwards, whatever came of it. */
  readonly cleanUp?: (by: string) => Sh | undefined
}

/** A key of a host, and what it must not be able to do elsewhere: tried for real by the host itself, when asked. */
export interface LeastPrivilege {
  /** Where the key is accepted, and how the host dials there. */
  readonly on: string
  readonly address: string
  readonly port: number
  readonly account: string
  /** Files on the host that has the key. */
  readonly identityFile: string
  readonly knownHosts: string
  readonly attempts: readonly ForbiddenAct[]
}

export interface ForbiddenAct {
  readonly name: string
  /** How it is tried, see src/verify/least-privilege.sh. */
  readonly kind:
    | 'shell'
    | 'command'
    | 'sftp'
    | 'terminal'
    | 'agent'
    | 'x11'
    | 'connect'
    | 'socks'
    | 'listen'
    | 'listen_for_all'
    | 'reached'
    | 'tun'
  /** An address and port, a port, or a path there. */
  readonly where?: string
  /** What it asks for, for people: `a shell`. */
  readonly words: string
  /** Each of these alone refuses it. */
  readonly refusedBy: readonly string[]
}
