import type { ChildProcess } from 'node:child_process'
import { Terminal } from '@xterm/headless'

/** A command on a real terminal (script(1) gives it one) of so many columns, for whoever starts it. */
export function onTerminal(command: readonly string[], columns: number): string[] {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  return ['script', '-qfec', `stty rows 24 cols ${columns}; exec ${quoted}`, '/dev/null']
}

export interface Talk {
  readonly code: number | null
  /** All that can be scrolled through in the end, without line ends. */
  readonly lines: readonly string[]
  /** Those of them that the terminal broke, since they were longer than it is wide. */
  readonly broken: readonly string[]
}

/** What is to stand before the cursor, since the last answer; and what is typed then. */
export type Dialogue = readonly (readonly [shown: RegExp, typed: string])[]

/**
 * Waits for each text, in this order, and types what goes with it. What stands on the screen is what a real terminal
 * emulator makes of it. Of the child, stdin and stdout have to be pipes.
 */
export async function talk(
  child: ChildProcess,
  columns: number,
  dialogue: Dialogue,
  timeoutMs = 60_000,
): Promise<Talk> {
  const { stdin, stdout } = child
  if (!stdin || !stdout) throw new Error('no pipes')
  const terminal = new Terminal({ cols: columns, rows: 24, allowProposedApi: true, scrollback: 10_000 })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const { active } = terminal.buffer
  const lines = () =>
    Array.from({ length: active.length }, (_, at) => active.getLine(at)?.translateToString(true) ?? '')
  const beforeCursor = () => {
    const at = active.baseY + active.cursorY
    const last = active.getLine(at)?.translateToString(false, 0, active.cursorX) ?? ''
    return [...lines().slice(0, at), last].join('\n')
  }
  const left = [...dialogue]
  let answered = 0
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  if (left.length === 0) stdin.end()
  for await (const chunk of stdout) {
    await new Promise<void>((resolve) => terminal.write(chunk, resolve))
    const text = beforeCursor()
    if (!left[0]?.[0].test(text.slice(answered))) continue
    answered = text.length
    stdin.write(left.shift()?.[1] ?? '')
  }
  const code = await ended
  clearTimeout(deadline)
  const shown = lines()
  if (left.length > 0) throw new Error(`never shown: ${left.map(([text]) => text).join(', ')}\n${shown.join('\n')}`)
  return { code, lines: shown, broken: shown.filter((_, at) => active.getLine(at)?.isWrapped) }
}
