import type { Lab, Suite } from '../../../src/lab/index.ts'
import type { Fault } from './faults.ts'
import { measure, type Row } from './measure.ts'
import { type Pair, pairOf, type Wanted } from './pair.ts'

/** Faults that happen to one pair one after the other. Courses run side by side: the slow ones wait in parallel. */
export interface Course extends Omit<Wanted, 'suite'> {
  readonly faults: readonly Fault[]
}

export interface Matrix {
  /** What came of it, as soon as it is known. Rejects when the fault could not even be tried. */
  row(suite: Suite, course: Course, fault: Fault, round: number): Promise<Row>
  /** All that could be tried, when all is over; why the others could not. */
  rows(failed?: (why: unknown) => void): Promise<readonly Row[]>
}

export const pairsOf = (suites: readonly Suite[], courses: readonly Course[]): readonly Wanted[] =>
  suites.flatMap((suite) => courses.map(({ faults: _, ...course }) => ({ ...course, suite })))

export interface Trial {
  readonly suites: readonly Suite[]
  readonly courses: readonly Course[]
  readonly rounds: number
  /** Seconds after which a tunnel that is not back counts as lost. */
  readonly withinS: number
  /** What is to keep the tunnel instead. */
  readonly change?: (pair: Pair) => Promise<Pair>
}

/** Begins at once, on machines that are up and provisioned. */
export function start(lab: Lab, { suites, courses, rounds, withinS, change = async (pair) => pair }: Trial): Matrix {
  const rows = new Map<string, Promise<Row>>()
  const key = (suite: Suite, { name, listener }: Course, fault: Fault, round: number) =>
    [suite, listener, name, fault.name, round].join('|')
  for (const suite of suites)
    for (const course of courses) {
      let last: Promise<unknown> = Promise.resolve()
      const pair = pairOf({ ...course, suite }, lab).then(change)
      pair.catch(() => undefined)
      for (let round = 1; round <= rounds; round++)
        for (const fault of course.faults) {
          const row = last.then(async () => measure(await pair, fault, withinS))
          last = row.catch(() => undefined)
          rows.set(key(suite, course, fault, round), row)
        }
    }
  return {
    async rows(failed) {
      const ends = await Promise.allSettled(rows.values())
      for (const end of ends) if (end.status === 'rejected') failed?.(end.reason)
      return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
    },
    row: (...place) => rows.get(key(...place)) ?? Promise.reject(new Error(`no such row: ${key(...place)}`)),
  }
}
