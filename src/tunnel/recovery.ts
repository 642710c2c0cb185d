import type { Forward } from '../inventory/model.ts'

/** The units of a host that hold a forward open. */
export interface Carrier {
  readonly host: string
  readonly units: readonly string[]
}

/**
 * How soon a tunnel is back after a fault, computed from the settings that are really there. Every figure is an upper
 * bound in seconds; tests hold the formula against measured recoveries.
 */

/** What the device's side is set to. Seconds, but for the count. */
export interface Timing {
  /**
   * Between two questions of a side that hears nothing: ServerAliveInterval, and ClientAliveInterval on the gateway.
   */
  readonly interval: number
  /** So many unanswered questions end the session. */
  readonly countMax: number
  /**
   * For TCP and the key exchange together (ConnectTimeout, ssh_config(5)): never less, for a slow machine would never
   * get through.
   */
  readonly connectTimeout: number
  /** Longest pause between two failed tries. */
  readonly retry: number
}

/** Seconds from the moment the fault is over: power or the link is back, a frozen client may be killed. */
export interface Recovery {
  readonly powerCut: number
  readonly silentLink: number
  /** Counted from the moment the ssh client froze. */
  readonly frozenClient: number
  /**
   * The round trip between device and gateway that this allows for, one of `linkClasses`. Absent: not known, so a quick
   * one.
   */
  readonly roundTripMs?: number
  /** So much of the first two is the link's: 0 for a quick one. */
  readonly linkSeconds?: number
  /** `recoverWithin`, where the link makes it longer than that. */
  readonly wished?: number
}

/** Between two looks at the client from outside, and the longest that one look may take. */
export const checkEvery = 5

const countMax = 2
/** Key exchange, login and the forward's confirmation on a slow machine over a quick link. */
const dial = 3
const usual: Timing = { interval: 5, countMax, connectTimeout: 5, retry: 2 }
/** The quickest there is. */
export const leastTiming: Timing = { interval: 1, countMax, connectTimeout: 5, retry: 1 }

/**
 * What sshd asks on a gateway where systemd owns the port. A dead session holds nothing there that the next one needs:
 * it may be noticed at leisure.
 */
export const jailedKeepalive = { interval: 15, countMax: 3 } as const

export type Listener = Forward['listener']

/** What a wish comes to: settings that meet it, or the sentence that says why none do. */
export type Derived = { readonly timing: Timing } | { readonly impossible: string }

/**
 * The settings of a tunnel; with `recoverWithin`, the most sparing ones by which it is back in that time after the
 * worst of its faults. `sshd` is the gateway's OpenSSH version, which matters where sshd itself owns the port.
 */
export function deriveTiming(listener: Listener, sshd: string, recoverWithin?: number): Derived {
  if (recoverWithin === undefined) return { timing: usual }
  for (const interval of intervals) {
    for (const retry of [2, 1]) {
      const timing = { ...usual, interval, retry }
      if (worst(recovery(timing, listener, sshd)) <= recoverWithin) return { timing }
    }
  }
  const least = worst(recovery(leastTiming, listener, sshd))
  const why =
    listener === 'sshd' && !isRepaired(sshd)
      ? `OpenSSH ${sshd} on the gateway holds a dead session's port for twice the usual time; "listener": "socket" is faster`
      : 'keepalives every second are the limit'
  return { impossible: `"recoverWithin": ${recoverWithin} cannot be met, ${least} s is the minimum: ${why}` }
}

const intervals = [60, 45, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1]

export function recovery(
  { interval, countMax: count, connectTimeout, retry }: Timing,
  listener: Listener,
  sshd: string,
): Recovery {
  const givesUp = interval * (count + 1)
  const again = retry + dial
  const held = listener === 'sshd' ? heldFor(interval, count, sshd) : 0
  return {
    powerCut: Math.max(connectTimeout, held) + again,
    // A client whose address is gone is heard by the gateway until the check has ended it: only then the clock runs
    // there.
    silentLink: Math.max(givesUp, held && checkEvery + held) + again,
    frozenClient: 2 * checkEvery + again,
  }
}

/**
 * How long sshd keeps the port of a session whose peer is gone. Up to OpenSSH 9.4 its clock of keepalives ran at half
 * speed (serverloop.c, mended by commit 9d7193a83): measured 17 s for 3 × 2 on 9.2, 8 s on 10.0.
 */
function heldFor(interval: number, count: number, sshd: string): number {
  return interval * (count + 1) * (isRepaired(sshd) ? 1 : 2)
}

function isRepaired(sshd: string): boolean {
  const [major = 0, minor = 0] = sshd.split('.').map(Number)
  return major > 9 || (major === 9 && minor >= 5)
}

/**
 * Round trips of a dial, measured with OpenSSH 10.0 on both sides: TCP 1, greetings 1, key exchange 2, service 2, the
 * question which methods there are 1, offer of the key 1, signature 1, forward 1. No option of ssh saves one: other
 * algorithms and `PreferredAuthentications publickey` took as long, and in key exchange and service one is lost to
 * Nagle's algorithm, which ssh switches off after the login only.
 */
const dialTrips = 10
/** … and of what a login through the forward needs until the device has proved its host key. */
const proofTrips = 4

/** What is no slower than this is quick: the figures above have room for it. */
export const quickMs = 60
/**
 * Upper bounds, in ms, each half as much again as the one before: what is printed does not change because a round trip
 * is a little quicker than it was. Slower than the last one, a dial may not be through before systemd gives it up.
 */
export const linkClasses = [quickMs, 90, 140, 210, 310, 460, 690, 1000, 1500] as const

/** Undefined for undefined. The slowest one for what is slower still. */
export function linkClass(roundTripMs: number | undefined): number | undefined {
  if (roundTripMs === undefined) return undefined
  return linkClasses.find((most) => roundTripMs < most) ?? linkClasses.at(-1)
}

export interface LinkQuality {
  /** At most; undefined: not known. */
  readonly roundTripMs: number | undefined
  /** The wish that the settings meet on a quick link. */
  readonly recoverWithin?: number | undefined
}

/**
 * The promise for a link that is not quick. Whoever dials needs so much longer, and so does the proof that the device
 * is back; where sshd owns the port, a try that comes while a dead session still holds it is in vain, and lasts as
 * long.
 */
export function overLink(
  promise: Recovery,
  listener: Listener,
  { roundTripMs, recoverWithin = Number.POSITIVE_INFINITY }: LinkQuality,
): Recovery {
  if (roundTripMs === undefined) return promise
  const isQuick = roundTripMs <= quickMs
  const dials = (count: number) => (isQuick ? 0 : Math.ceil(((count * dialTrips + proofTrips) * roundTripMs) / 1000))
  const linkSeconds = dials(listener === 'sshd' ? 2 : 1)
  const longer = {
    powerCut: promise.powerCut + linkSeconds,
    silentLink: promise.silentLink + linkSeconds,
    frozenClient: promise.frozenClient + dials(1),
    roundTripMs,
    linkSeconds,
  }
  const late = linkSeconds > 0 && worst(longer) > recoverWithin
  return late ? { ...longer, wished: recoverWithin } : longer
}

const worst = ({ powerCut, silentLink }: Recovery) => Math.max(powerCut, silentLink)
