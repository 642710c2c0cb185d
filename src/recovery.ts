import type { Forward } from './inventory/model.ts'

/**
 * How soon a tunnel is back after a fault, computed from the settings that are really there. Every figure is an upper
 * bound in seconds; tests hold the formula against measured recoveries.
 */

/** What the device's side is set to. Seconds, but for the count. */
export interface Timing {
  /** Between two questions of a side that hears nothing: ServerAliveInterval, and ClientAliveInterval on the gateway. */
  readonly interval: number
  /** So many unanswered questions end the session. */
  readonly countMax: number
  /** For TCP and the key exchange together (ConnectTimeout, ssh_config(5)): never less, for a slow machine would never get through. */
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
}

/** Between two looks at the client from outside, and the longest that one look may take. */
export const checkEvery = 5

const countMax = 2
/** Key exchange, login and the forward's confirmation on a slow machine over a slow link. */
const dial = 3
const usual: Timing = { interval: 5, countMax, connectTimeout: 5, retry: 2 }
/** The quickest there is. */
export const leastTiming: Timing = { interval: 1, countMax, connectTimeout: 5, retry: 1 }

export type Listener = Forward['listener']

/** What a wish comes to: settings that meet it, or the sentence that says why none do. */
export type Derived = { readonly timing: Timing } | { readonly impossible: string }

/**
 * The settings of a tunnel; with `recoverWithin`, the most sparing ones by which it is back in that time after the worst
 * of its faults. `sshd` is the gateway's OpenSSH version, which matters where sshd itself owns the port.
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
  return { impossible: `"recoverWithin": ${recoverWithin} cannot be met, ${least} s is the least: ${why}` }
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
    // A client whose address is gone is heard by the gateway until the check has ended it: only then the clock runs there.
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

const worst = ({ powerCut, silentLink }: Recovery) => Math.max(powerCut, silentLink)
