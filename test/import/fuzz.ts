import * as fc from 'fast-check'
import { test } from 'vitest'

/** PROVISION_FUZZ_SECONDS is for all four of them together. */
const seconds = Number(process.env.PROVISION_FUZZ_SECONDS ?? 0) / 4

/** A submission is judged by the same sample each time (.ci/run); by hand it is another one. */
const seed = process.env.PROVISION_FUZZ_SEED ? { seed: Number(process.env.PROVISION_FUZZ_SEED) } : {}

/** What holds for every such value: for so many of them, or for as many as the given seconds allow. */
export function fuzz<T>(name: string, values: fc.Arbitrary<T>, runs: number, holds: (value: T) => Promise<void>): void {
  test(name, { timeout: 120_000 + 1000 * seconds }, async () => {
    let tried = 0
    let last = Promise.resolve()
    const property = fc.asyncProperty(values, (value) => {
      tried++
      last = holds(value)
      return last
    })
    const timed = { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: 1000 * seconds }
    await fc.assert(property, { ...(seconds > 0 ? timed : { numRuns: runs }), ...seed })
    // The one that the end of the time has interrupted.
    await last
    if (seconds > 0) console.log(`${name}: ${tried} in ${seconds} s`)
  })
}
