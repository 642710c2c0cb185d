export interface RecoveryWait {
  /** When to begin, and when to give up: ms, as `now` counts. */
  readonly from: number
  readonly until: number
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
}

/** Tells the moment at which the device's sshd greeted, and resolves when it has proved, or not, who it is. */
export type Prove = (greeted: (at: number) => void) => Promise<boolean>

/**
 * While no tunnel is behind the port an attempt ends at once. Where some hang, as they do in a dead session, the next
 * ones are rare.
 */
const quickMs = 200
const slowMs = 500
const fewHang = 4
/** A proof that meets silence takes 8 s; those that come after it must not wait for it. */
const atOnce = 20

/**
 * The moment at which the device that then proved who it is had greeted; undefined: not before the deadline. A new
 * attempt is made again and again, for one that hangs in a dead session must not hide the next, which is answered. Once
 * one is greeted the others wait for what becomes of it: over a slow link each login takes seconds, and its sshd would
 * count them all.
 *
 * What is measured is the tunnel, and not we: the login of the proof comes after that moment, the way of the greeting
 * from the gateway to us is taken off by who tells it, and the port can have been open for no longer than `quickMs`
 * before it.
 */
export async function recovered(prove: Prove, { from, until, now, wait }: RecoveryWait): Promise<number | undefined> {
  if (now() < from) await wait(from - now())
  let found: number | undefined
  let running = 0
  let greeted = 0
  const knock = async () => {
    let at: number | undefined
    running++
    try {
      const proved = await prove((moment) => {
        at = moment
        greeted++
      })
      if (proved) found ??= at ?? now()
    } finally {
      running--
      if (at !== undefined) greeted--
    }
  }
  let failed: unknown
  while (found === undefined && failed === undefined && now() < until) {
    if (greeted === 0 && running < atOnce)
      knock().catch((error: unknown) => {
        failed = error
      })
    const pause = running < fewHang ? quickMs : slowMs
    for (let slept = 0; slept < pause && found === undefined; slept += 50) await wait(50)
  }
  if (found === undefined && failed !== undefined) throw failed
  return found
}
