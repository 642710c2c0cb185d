import pLimit from 'p-limit'

/** Hosts that are worked on at once, if nobody says otherwise: docs/benchmarks.md. */
export const defaultForks = 25

/** What work reports while it holds a slot. */
export interface Slot {
  /** The host accepted the connection. `speaks`: has it sent anything since? */
  connected(speaks: () => boolean): void
  /** The slot is kept until this has settled. */
  until(more: Promise<unknown>): void
}

/** Begins the work when there is a slot for it, and returns its result. */
export type Limiter = <T>(work: (slot: Slot) => Promise<T>) => Promise<T>

/** How long a host keeps its slot: without a connection, without a banner, and in all. */
interface HoldTimes {
  readonly silentMs: number
  readonly bannerTimeoutMs: number
  readonly maxHoldMs: number
}

const whileConnecting: HoldTimes = { silentMs: 1000, bannerTimeoutMs: 3000, maxHoldMs: 10_000 }
/** For work over connections that are open already. */
export const onceConnected: HoldTimes = { silentMs: 10_000, bannerTimeoutMs: 10_000, maxHoldMs: 10_000 }

/**
 * At most so many at once. A host that does not answer, or never sends a banner, gives its slot to the next one
 * while it is waited for, and so does one that hangs: hosts with trouble do not hold up the others. One that is
 * merely slow keeps its slot, or more and more of them would get slower and slower.
 */
export function limiter(count: number, times: HoldTimes = whileConnecting): Limiter {
  const limit = pLimit(count)
  return <T>(work: (slot: Slot) => Promise<T>) => {
    const { promise, resolve, reject } = withResolvers<T>()
    void limit(() => {
      const held = holdSlot(times)
      const done = work(held.slot)
      done.then(resolve, reject)
      void done.catch(() => undefined).then(held.finish)
      return held.released
    })
    return promise
  }
}

/** One slot that is held now. `released`: when the next one may begin. `finish`: the work is over. */
function holdSlot({ silentMs, bannerTimeoutMs, maxHoldMs }: HoldTimes) {
  const { promise: released, resolve: release } = withResolvers<void>()
  const silent = setTimeout(release, silentMs)
  const longest = setTimeout(release, maxHoldMs)
  let noBanner: NodeJS.Timeout | undefined
  let more: Promise<unknown> | undefined
  let finished = false
  const slot: Slot = {
    connected(speaks) {
      // Of a route that has lost the race.
      if (finished) return
      clearTimeout(silent)
      noBanner ??= setTimeout(() => {
        if (!speaks()) release()
      }, bannerTimeoutMs)
    },
    until(promise) {
      more = promise
    },
  }
  const finish = async () => {
    await Promise.resolve(more).catch(() => undefined)
    finished = true
    for (const timer of [silent, noBanner, longest]) clearTimeout(timer)
    release()
  }
  return { slot, released, finish }
}

/** As Promise.withResolvers, which Node 20 has not. */
function withResolvers<T>() {
  let [resolve, reject]: [(value: T) => void, (error: unknown) => void] = [() => {}, () => {}]
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
