import type { Listener } from './cast.ts'
import { type Column, columns } from './columns.ts'
import { type Edit, edits } from './edits.ts'

/** One field of the matrix. */
export interface Field {
  readonly edit: Edit
  readonly column: Column
  readonly listener: Listener
}

export const listeners = ['socket', 'sshd'] as const

/** The whole matrix. */
export const everyField: readonly Field[] = edits.flatMap((edit) =>
  listeners.flatMap((listener) => columns.map((column) => ({ edit, column, listener }))),
)

/** Each edit once; eight seeds in a row go through all that there is. */
export function sampled(seed: number): readonly Field[] {
  const many = listeners.length * columns.length
  return edits.flatMap((_, at) => everyField[at * many + ((at * 3 + seed) % many)] ?? [])
}

/** mulberry32: the same seed, the same numbers. */
export function generator(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
