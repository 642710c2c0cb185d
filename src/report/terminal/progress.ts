import type { Writable } from 'node:stream'
import { inert } from '../inert.ts'

/** Shows how far each host is. On stderr, so that stdout holds the result alone. */
export interface Progress {
  /** All these hosts are to go through it. */
  expect(work: string, hosts: readonly string[]): void
  /** `connect`, `look`, `apply …`, `verify`. */
  phase(host: string, phase: string): void
  /** This host has gone through it, well or not. */
  over(work: string, host: string): void
  /** This host has come to its end. */
  end(host: string, outcome: string): void
  /** A sentence that stays. */
  note(text: string): void
  /** While somebody is asked something nothing else is written; what was to be is written afterwards. */
  during<T>(question: () => Promise<T>): Promise<T>
  /** What a host was doing is not drawn any more, and forgotten. */
  close(): void
}

export const silent: Progress = {
  ...{ expect() {}, phase() {}, over() {}, end() {}, note() {}, close() {} },
  during: (question) => question(),
}

/**
 * Without a terminal: no control codes. `ends`: a line for each host that came to its end, where no report that people
 * read lists it anyway.
 */
export function plainProgress(out: Writable, { ends }: { readonly ends: boolean }): Progress {
  return {
    ...silent,
    end: (host, outcome) => void (ends && out.write(`${host}: ${outcome}\n`)),
    note: (text) => void out.write(`${inert(text)}\n`),
  }
}
