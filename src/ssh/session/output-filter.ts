/** One output of a streamed command, without our own lines in it: `\001MARK+PID` and `\001MARK CODE WORDS`. */
export interface OutputFilter {
  /** What of it is to be passed on now. */
  take(chunk: Buffer): Buffer
  /** What is left where the first line or the end line never came. */
  rest(): Buffer
  /** What comes is the command's own, and not what somebody says before it. */
  hasBegun(): boolean
  /** The number of the script's shell, once its first line was seen. */
  shell(): string | undefined
  /** The words on the end line, once that was seen. */
  words(): readonly string[] | undefined
}

/** `begins`: nothing is passed on before the first line of ours, which is on stderr alone. */
export function outputFilter(mark: string, { begins }: { readonly begins: boolean }): OutputFilter {
  const start = Buffer.from(`\u0001${mark}`)
  let held: Buffer = Buffer.alloc(0)
  let shell: string | undefined
  let words: readonly string[] | undefined

  const hasBegun = () => !begins || shell !== undefined

  /** Takes one line of ours out, when all of it is there. */
  const takeLine = (at: number) => {
    const end = held.indexOf('\n', at)
    if (end < 0) return false
    const text = held.toString('latin1', at + start.length, end)
    if (text.startsWith('+')) shell = text.slice(1)
    else words = text.trim().split(' ')
    held = Buffer.concat([held.subarray(0, at), words === undefined ? held.subarray(end + 1) : Buffer.alloc(0)])
    return true
  }
  return {
    take(chunk) {
      if (words !== undefined) return Buffer.alloc(0)
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      let at = held.indexOf(start)
      while (at >= 0 && words === undefined && takeLine(at)) at = held.indexOf(start)
      if (!hasBegun()) return Buffer.alloc(0)
      const until = words === undefined && at < 0 ? held.length - beginningIn(held, start) : at < 0 ? held.length : at
      const pass = held.subarray(0, until)
      held = held.subarray(until)
      return pass
    },
    rest: () => held,
    hasBegun,
    shell: () => shell,
    words: () => words,
  }
}

/** How many of the last bytes may be the beginning of a line of ours. */
function beginningIn(bytes: Buffer, start: Buffer): number {
  for (let length = Math.min(start.length - 1, bytes.length); length > 0; length--)
    if (bytes.subarray(bytes.length - length).equals(start.subarray(0, length))) return length
  return 0
}
