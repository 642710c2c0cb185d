export interface Waiting {
  /** When to begin, and when to give up: ms, as `now` counts. */
  readonly from: number
  readonly until: number
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
}

const everyMs = 500
/** A proof that meets silence takes 8 s; those that come after it must not wait for it. */
const atOnce = 20

/**
 * The moment at which the device had proved that it is there again; undefined: not before the deadline. Twice a second
 * somebody new knocks, for who hangs in a dead session must not hide the next, who is answered.
 */
export async function recovered(
  prove: () => Promise<boolean>,
  { from, until, now, wait }: Waiting,
): Promise<number | undefined> {
  if (now() < from) await wait(from - now())
  let found: number | undefined
  let running = 0
  const knock = async () => {
    running++
    try {
      if (await prove()) found ??= now()
    } finally {
      running--
    }
  }
  let failed: unknown
  while (found === undefined && failed === undefined && now() < until) {
    if (running < atOnce)
      knock().catch((error: unknown) => {
        failed = error
      })
    for (let slept = 0; slept < everyMs && found === undefined; slept += 50) await wait(50)
  }
  if (found === undefined && failed !== undefined) throw failed
  return found
}
