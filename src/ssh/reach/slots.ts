import pLimit from 'p-limit'

/** Hosts that are worked on at once, if nobody says otherwise: docs/benchmarks.md. */
export const defaultForks = 25

/** What work tells of itself while it has its turn. */
export interface Slot {
  /** Somebody answered. `speaks`: has a word been said since? */
  connected(speaks: () => boolean): void
  /** The turn is over when this has settled, not before. */
  until(more: Promise<unknown>): void
}

/** Begins what it is given when it is its turn, and tells its result. */
export type Limiter = <T>(work: (turn: Slot) => Promise<T>) => Promise<T>

/** How long a host keeps its place: without an answer, without a word, and in all. */
interface Patience {
  readonly silentMs: number
  readonly bannerTimeoutMs: number
  readonly maxHoldMs: number
}

const whileConnecting: Patience = { silentMs: 1000, bannerTimeoutMs: 3000, maxHoldMs: 10_000 }
/** For work over connections that stand: nobody has to answer first. */
export const onceConnected: Patience = { silentMs: 10_000, bannerTimeoutMs: 10_000, maxHoldMs: 10_000 }

/**
 * At most so many at once. A host that is not there, or never says a word, gives its place to the next while it is waited
 * for, and so does one that hangs: the trouble of some is no trouble of the others. One that is merely slow keeps its place,
 * or more and more of them would get slower and slower.
 */
export function limiter(count: number, { silentMs, bannerTimeoutMs, maxHoldMs }: Patience = whileConnecting): Limiter {
  const limit = pLimit(count)
  return <T>(work: (turn: Slot) => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      const place = () =>
        new Promise<void>((give) => {
          let more: Promise<unknown> | undefined
          const silent = setTimeout(give, silentMs)
          const most = setTimeout(give, maxHoldMs)
          let speechless: NodeJS.Timeout | undefined
          let finished = false
          const over = () => {
            finished = true
            for (const timer of [silent, speechless, most]) clearTimeout(timer)
            give()
          }
          const turn: Slot = {
            connected(speaks) {
              // Of a way that has lost the race.
              if (finished) return
              clearTimeout(silent)
              speechless ??= setTimeout(() => {
                if (!speaks()) give()
              }, bannerTimeoutMs)
            },
            until(promise) {
              more = promise
            },
          }
          const done = work(turn)
          done.then(resolve, reject)
          void done.catch(() => undefined).then(() => Promise.resolve(more).then(over, over))
        })
      void limit(place)
    })
}
