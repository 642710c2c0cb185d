import { type Bench, makeBench } from './bench.ts'
import { type Field, listeners } from './sample.ts'
import { type Blow, survive } from './struck.ts'
import { attempt, type Row } from './trial.ts'

type Trial = Field | Blow

export interface Matrix {
  /** What came of it, as soon as it is known. */
  row(trial: Trial): Promise<Row>
  /** All benches are down then. */
  ended: Promise<unknown>
}

/** So many benches for each listener go through their trials, one after the other, all benches side by side. `told`: each end, as it comes. */
export function start(trials: readonly Trial[], benches: number, told: (row: Row) => void): Matrix {
  const rows = new Map(trials.map((trial) => [trial, later<Row>()]))
  const works = listeners.flatMap((listener) => {
    const queue = trials.filter((trial) => trial.listener === listener)
    const many = Math.min(benches, queue.length)
    return Array.from({ length: many }, async () => {
      const bench = await makeBench(listener)
      for (let trial = queue.shift(); trial; trial = queue.shift()) {
        const row = await tried(bench, trial)
        told(row)
        rows.get(trial)?.resolve(row)
      }
      await bench.close()
    }).map((work) =>
      // A bench that cannot be made: nobody waits for what it would have done.
      work.catch((error: unknown) => {
        for (const trial of queue) rows.get(trial)?.reject(error)
        queue.length = 0
      }),
    )
  })
  return {
    row: (trial) => rows.get(trial)?.promise ?? Promise.reject(new Error('no such trial')),
    ended: Promise.all(works),
  }
}

async function tried(bench: Bench, trial: Trial): Promise<Row> {
  const { edit, column, listener } = trial
  try {
    const open = await bench.open(edit.more)
    return await ('strike' in trial ? survive(open, trial) : attempt(open, edit, column))
  } catch (error) {
    const problems = [error instanceof Error ? (error.stack ?? error.message) : String(error)]
    return { edit: edit.name, column: column.name, listener, what: 'could not be tried', seconds: 0, problems }
  }
}

interface Later<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(why: unknown): void
}

function later<T>(): Later<T> {
  let [resolve, reject]: [(value: T) => void, (why: unknown) => void] = [() => undefined, () => undefined]
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
