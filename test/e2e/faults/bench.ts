import type { Suite } from '../../../src/lab/index.ts'
import { rehearse } from '../kit.ts'
import * as faults from './faults.ts'
import { type Fault, seconds } from './faults.ts'
import { type Course, pairsOf, start } from './matrix.ts'
import type { Row } from './measure.ts'
import { autossh, changeTo, type Other, plain } from './others.ts'
import { inventoryOf, type Listener } from './pair.ts'
import { portTaken } from './surroundings.ts'

/** Seconds after which nobody waits any longer. */
export const withinS = 120

interface Way {
  readonly listener: Listener
  readonly other?: Other
}

/** Ways to keep a tunnel, as columns of the table. */
export const ways: Readonly<Record<string, Way>> = {
  'ours, `socket`': { listener: 'socket' },
  'ours, `sshd`': { listener: 'sshd' },
  'autossh -M 0, both sides 5 × 3': { listener: 'sshd', other: autossh },
  'plain `Restart=always`, no keepalive': { listener: 'sshd', other: plain },
}

// Who never comes back is waited for: no more than two of those faults in one course, as some ways know no recovery at all.
const together = {
  killed: [
    faults.clientKilled,
    faults.sessionKilled,
    faults.sshdRestarted,
    faults.sshdAndSessionsRestarted,
    faults.sessionFrozen,
  ],
  frozen: [faults.clientFrozen, faults.gatewayPowerCut],
  power: [faults.devicePowerCut, faults.devicePowerCutBehindNat],
  lost: [faults.newAddress, faults.flowForgotten],
  silence: [faults.silence, portTaken],
  boot: [faults.gatewayAwayAtBoot],
  names: [faults.namesAwayAtBoot],
}

/** The lines of the table. */
export const lines = Object.values(together).flatMap((of) => of.map(({ name }) => name))

/** Nobody has used the tunnel for a while: what is still under way would tell a side that the other has gone. */
const rested = (fault: Fault): Fault => ({
  ...fault,
  async strike(pair) {
    await seconds(5)
    return fault.strike(pair)
  },
})

/** Every fault once on machines of each suite, with the tunnel kept in this way. */
export async function bench(
  { listener, other }: Way,
  suites: readonly Suite[],
  failed: (why: unknown) => void,
): Promise<readonly Row[]> {
  const courses: Course[] = Object.entries(together).map(([name, of]) => ({ name, listener, faults: of.map(rested) }))
  const { inventory, suite } = inventoryOf(pairsOf(suites, courses))
  const it = await rehearse(inventory, { suite })
  try {
    const { code, stderr } = await it.provision([it.file], { timeoutMs: 300_000 })
    if (code !== 0) throw new Error(stderr)
    const change = other && { change: changeTo.bind(undefined, other) }
    return await start(it.lab, { suites, courses, rounds: 1, withinS, ...change }).rows(failed)
  } finally {
    await it.down()
  }
}
