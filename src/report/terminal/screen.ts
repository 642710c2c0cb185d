import type { Writable } from 'node:stream'

/** A page of text that is redrawn in place, as top(1) does; the terminal is afterwards what it was. */
export interface Screen {
  draw(text: string): void
  /** Gives the terminal back. Twice does no harm. */
  leave(): void
}

export type Terminal = Writable & { columns?: number; rows?: number }

export function fullScreen(out: Terminal): Screen {
  let there = false
  return {
    draw(text) {
      // The other page of the terminal, without cursor (xterm's own 1049 and 25, which all others know).
      if (!there) out.write('\x1b[?1049h\x1b[?25l')
      there = true
      const all = text.trimEnd().split('\n')
      // A terminal that nobody has sized says 0.
      const room = Math.max((out.rows || 24) - 1, 2)
      const rest = all.length - room + 1
      const lines = all.length <= room ? all : [...all.slice(0, room - 1), `… and ${rest} more lines`]
      out.write(`\x1b[H${lines.map((line) => `${line}\x1b[0m\x1b[K\n`).join('')}\x1b[J`)
    },
    leave() {
      if (there) out.write('\x1b[?25h\x1b[?1049l')
      there = false
    },
  }
}

/** Where there is no terminal: one page after another. */
export function pages(out: Writable): Screen {
  return { draw: (text) => void out.write(`${text}\n`), leave() {} }
}
