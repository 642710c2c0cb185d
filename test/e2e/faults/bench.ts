import type { Suite } from '../../../src/lab/index.ts'
import { rehearse } from '../kit.ts'
import * as faults from './faults.ts'
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

// Who never comes back is waited for, so what may never come back has a pair of its own.
const together = [
  [faults.clientKilled, faults.sessionKilled, faults.sshdRestarted, faults.sshdAndSessionsRestarted, portTaken],
  [faults.clientFrozen],
  [faults.sessionFrozen],
  [faults.gatewayPowerCut],
  [faults.devicePowerCut],
  [faults.devicePowerCutBehindNat],
  [faults.newAddress],
  [faults.flowForgotten],
  [faults.silence],
  [faults.gatewayAwayAtBoot],
  [faults.namesAwayAtBoot],
]

/** The lines of the table. */
export const lines = together.flat().map(({ name }) => name)

/** Every fault once, on machines of one suite, with the tunnel kept in this way. */
export async function bench(way: Way, suite: Suite): Promise<readonly Row[]> {
  const { listener, other } = way
  const courses: Course[] = together.map((of, n) => ({ name: `bench${n}`, listener, faults: of }))
  const wanted = inventoryOf(pairsOf([suite], courses))
  const it = await rehearse(wanted.inventory, { suite: wanted.suite })
  try {
    const { code, stderr } = await it.provision([it.file], { timeoutMs: 200_000 })
    if (code !== 0) throw new Error(stderr)
    const change = other && { change: changeTo.bind(undefined, other) }
    const matrix = start(it.lab, { suites: [suite], courses, rounds: 1, withinS, ...change })
    const rows = courses.flatMap((course) => course.faults.map((fault) => matrix.row(suite, course, fault, 1)))
    await matrix.over
    return await Promise.all(rows)
  } finally {
    await it.down()
  }
}
