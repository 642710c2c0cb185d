import { createInterface, type Interface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { InventoryError } from '../../errors.ts'
import { wrapped } from '../../report/terminal/paint.ts'

/**
 * Is somebody there who can answer: stdin and stderr are a terminal, and it is not one that a CI has made ($CI). Where
 * nobody is there, a question is not asked.
 */
export function canAnswer(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY && !process.env.CI
}

/** Anything but yes is a no; so is the end of the input, and the signal that the answer is not needed any more. */
export async function askYes(question: string, signal?: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
  const giveUp = () => terminal.close()
  passOnInterrupt(terminal)
  signal?.addEventListener('abort', giveUp, { once: true })
  if (signal?.aborted) giveUp()
  try {
    const rows = question.split('\n').flatMap((row) => wrapped(row.trimEnd(), process.stderr.columns, 0))
    const last = rows.pop() ?? ''
    for (const row of rows) process.stderr.write(`${row}\n`)
    return /^y(es)?$/i.test((await Promise.race([terminal.question(`${last} `), ended])).trim())
  } finally {
    signal?.removeEventListener('abort', giveUp)
    terminal.close()
  }
}

/** A terminal that is read by lines gives Ctrl-C to its reader alone: it means the whole command. */
function passOnInterrupt(terminal: Interface): void {
  terminal.once('SIGINT', () => {
    process.stderr.write('\n')
    process.emit('SIGINT', 'SIGINT')
    terminal.close()
  })
}

/** One question after another; lines that came early wait for theirs. undefined: the input has ended. */
export function interview() {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const lines = terminal[Symbol.asyncIterator]()
  passOnInterrupt(terminal)
  return {
    async ask(question: string, problem?: string): Promise<string | undefined> {
      const rows = [problem, question].flatMap((text) => text?.split('\n') ?? [])
      for (const row of rows.flatMap((text) => wrapped(text, process.stderr.columns, 0)))
        process.stderr.write(`${row}\n`)
      terminal.setPrompt('> ')
      terminal.prompt()
      const { value, done } = await lines.next()
      return done ? undefined : value
    },
    close: () => terminal.close(),
  }
}

/**
 * Without echo. `variable`: what may be set instead. @throws InventoryError without a terminal: never a prompt that
 * nobody sees
 */
export async function askPassword(question: string, variable = 'PROVISION_SUDO_PASSWORD'): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new InventoryError('there is no terminal to ask for a password on', `set ${variable} instead`)
  }
  process.stderr.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  passOnInterrupt(terminal)
  try {
    return await terminal.question('')
  } finally {
    terminal.close()
    process.stderr.write('\n')
  }
}
