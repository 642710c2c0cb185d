/** One stream of a script, up to the line that marks its end. */
export interface Collector {
  add(chunk: Buffer): void
  size(): number
  /** The whole end line was seen. */
  ended(): boolean
  /** What came before the end line, and the words on it. Only once `ended`. */
  end(): { readonly output: Buffer; readonly words: readonly string[] }
  text(): string
}

/** Longer than the mark and the few words after it. */
const END_LENGTH = 128

export function collector(mark: string): Collector {
  const chunks: Buffer[] = []
  const endLine = new RegExp(`\\n${mark} ([^\\n]*)\\n`)
  let size = 0
  let tail = ''
  let ended = false
  return {
    add(chunk) {
      // After the end only what the script left behind can speak.
      if (ended) return
      chunks.push(chunk)
      size += chunk.length
      const recent = tail + chunk.toString('latin1')
      ended = endLine.test(recent)
      tail = recent.slice(-END_LENGTH)
    },
    size: () => size,
    ended: () => ended,
    end() {
      const whole = Buffer.concat(chunks)
      const at = whole.lastIndexOf(`\n${mark} `)
      const words = whole.toString('latin1', at + mark.length + 2).split('\n')[0] ?? ''
      return { output: whole.subarray(0, at), words: words.split(' ') }
    },
    text: () => Buffer.concat(chunks).toString(),
  }
}

/** The first lines of what a host sent for people, safe for a terminal. */
export function saidLines(text: string): string[] {
  const lines = text.split(/\r?\n/).map(printable)
  return lines.filter((line) => /[a-z]/i.test(line)).slice(0, 3)
}

/** The last line of what a program printed, safe for a terminal. */
export function printable(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? ''
  return line.replace(/[\x00-\x1f\x7f-\x9f]/g, '').slice(0, 200)
}
