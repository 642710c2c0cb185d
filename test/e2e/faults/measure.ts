import { endSessions } from './acts.ts'
import type { Fault } from './faults.ts'
import { connections, inside, login, type Pair } from './pair.ts'
import { anotherListener, listeners, recovered } from './recovery.ts'

export interface Row {
  readonly fault: string
  readonly suite: string
  readonly listener: string
  /** Absent: not within the time given. */
  readonly seconds?: number
  /** Did the tunnel become another one? */
  readonly anew: boolean
}

/** Lets it happen to a tunnel that works, and measures until the right device answers again. @throws when none worked */
export async function measure(pair: Pair, fault: Fault, withinS: number): Promise<Row> {
  await working(pair)
  const [before, old] = [await connections(pair), await listeners(pair)]
  const struck = await fault.strike(pair)
  const deadline = struck.at + withinS * 1000
  if (fault.quiet) await anotherListener(pair, old, deadline)
  const at = await recovered(pair, deadline)
  await struck.besides
  const after = await connections(pair).catch(() => [])
  await fault.mend?.(pair)
  return {
    fault: fault.name,
    suite: pair.suite,
    listener: pair.listener,
    ...(at !== undefined && { seconds: Math.max(0, (at - struck.at) / 1000) }),
    anew: after.some((connection) => !before.includes(connection)),
  }
}

/** The next fault begins with a tunnel that works, whatever the last one left behind. */
async function working(pair: Pair): Promise<void> {
  if ((await login(pair)) === 'ok') return
  if (await recovered(pair, Date.now() + 10_000)) return
  await endSessions(pair)
  await inside(pair.device, `systemctl kill --signal=KILL ${pair.unit}; systemctl restart ${pair.unit}`)
  if (await recovered(pair, Date.now() + 60_000)) return
  throw new Error(`${pair.device.name}: no tunnel to begin with: ${await login(pair)}`)
}
