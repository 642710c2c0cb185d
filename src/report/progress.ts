import type { Writable } from 'node:stream'
import { inert } from './inert.ts'

/** Who is told how far each host is. On stderr, so that stdout holds the result alone. */
export interface Progress {
  /** `connect`, `look`, `apply`, `confirm`, `verify`. */
  phase(host: string, phase: string): void
  /** This host has come to its end. */
  end(host: string, outcome: string): void
  /** A sentence that stays. */
  note(text: string): void
  close(): void
}

export const silent: Progress = { phase() {}, end() {}, note() {}, close() {} }

/** Without a terminal: one line for each host that came to its end, and no control codes. */
export function plainProgress(out: Writable): Progress {
  return {
    phase() {},
    end: (host, outcome) => void out.write(`${host}: ${outcome}\n`),
    note: (text) => void out.write(`${inert(text)}\n`),
    close() {},
  }
}

/** On a terminal: a line for each host, which moves through its phases and is gone when the summary is printed. */
export function liveProgress(out: Writable & { columns?: number; rows?: number }): Progress {
  const states = new Map<string, string>()
  let drawn = 0
  const erase = () => {
    if (drawn > 0) out.write(`\x1b[${drawn}A\x1b[J`)
    drawn = 0
  }
  const draw = () => {
    erase()
    const width = Math.max(...[...states.keys()].map((host) => host.length), 0)
    const room = Math.max((out.rows ?? 24) - 2, 1)
    const rows = [...states].slice(0, room).map(([host, state]) => `${host.padEnd(width)}  ${state}`)
    for (const row of rows) out.write(`${row.slice(0, (out.columns ?? 80) - 1)}\n`)
    drawn = rows.length
  }
  const set = (host: string, state: string) => {
    if (states.get(host) === state) return
    states.set(host, state)
    draw()
  }
  return {
    phase: (host, phase) => set(host, `${phase} …`),
    end: set,
    note(text) {
      erase()
      out.write(`${text}\n`)
      draw()
    },
    close: erase,
  }
}
