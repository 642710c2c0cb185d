import { createInterface } from 'node:readline/promises'

export interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/** A question for a person. Only `yes` or `y` is a yes; an end of input is a no. */
export async function askYesNo(question: string, terminal: Terminal): Promise<boolean> {
  const lines = createInterface({ input: terminal.input, output: terminal.output })
  try {
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`${question} [y/N] `), closed])
    return /^\s*y(es)?\s*$/i.test(answer)
  } finally {
    lines.close()
  }
}
