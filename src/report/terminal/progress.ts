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
  close(): void
}

export const silent: Progress = { expect() {}, phase() {}, over() {}, end() {}, note() {}, close() {} }

/** Without a terminal: one line for each host that came to its end, and no control codes. */
export function plainProgress(out: Writable): Progress {
  return {
    expect() {},
    phase() {},
    over() {},
    end: (host, outcome) => void out.write(`${host}: ${outcome}\n`),
    note: (text) => void out.write(`${inert(text)}\n`),
    close() {},
  }
}
