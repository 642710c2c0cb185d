import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Device, Gateway } from '../inventory/model.ts'
import type { ExecHost } from '../report/exec.ts'
import { hostHead, hostLines } from '../report/terminal/exec.ts'
import { troubleOf } from '../report/trouble.ts'
import { exitCodeOf, type OnHosts, onHosts } from './on-hosts.ts'
import { keptOutput, lineOutput } from './outputs.ts'

/** `raw`: as it comes, byte for byte, for one host. `grouped`: all of a host together, when it has ended. */
export type OutputStyle = 'raw' | 'lines' | 'grouped' | 'kept'

export interface Command {
  readonly line: string
  readonly sudo: boolean
  readonly style: OutputStyle
  readonly stdin?: Readable | undefined
  readonly out: Writable
  readonly err: Writable
}

/** One command on all these hosts. What they write goes out in the style that is wanted; `kept` is in the result. */
export async function execOn(
  hosts: readonly (Gateway | Device)[],
  command: Command,
  on: OnHosts,
): Promise<readonly ExecHost[]> {
  const { line, sudo: privileged, stdin } = command
  const width = Math.max(...hosts.map(({ name }) => name.length))
  const { capBytes } = on.context.wire
  const ends = await onHosts(hosts, on, async (session) => {
    const { stdout, stderr, texts, end } = outputsOf(session.host, { command, width, capBytes })
    let code: number | undefined
    try {
      code = await session.stream(line, { privileged, stdin, stdout, stderr, signal: on.signal })
    } finally {
      await end(code)
    }
    return { code, ...texts() }
  })
  return ends.map(({ value, error, ...end }) => ({ ...end, ...value, ...(error && { error: troubleOf(error) }) }))
}

/** Of a single host the code of its command, where that has come to its end. */
export const execCodeOf = (hosts: readonly ExecHost[]): number =>
  (hosts.length === 1 ? hosts[0]?.code : undefined) ?? exitCodeOf(hosts, ({ code }) => code === 0)

interface Outputs {
  readonly stdout: Writable
  readonly stderr: Writable
  readonly texts: () => Pick<ExecHost, 'stdout' | 'stderr'>
  /** Writes what was kept back. `code`: absent where the command has not come to its end. */
  readonly end: (code: number | undefined) => Promise<void>
}

function outputsOf(
  name: string,
  { command, width, capBytes }: { readonly command: Command; readonly width: number; readonly capBytes: number },
): Outputs {
  const { style, out, err } = command
  const none = () => ({})
  if (style === 'raw') return { stdout: out, stderr: err, texts: none, end: async () => {} }
  if (style === 'kept') {
    const [stdout, stderr] = [keptOutput(capBytes), keptOutput(capBytes)]
    const texts = () => ({ stdout: stdout.text(), stderr: stderr.text() })
    return { stdout: stdout.stream, stderr: stderr.stream, texts, end: async () => {} }
  }
  const later: (() => void)[] = []
  const to = (stream: Writable) =>
    lineOutput(
      (text) => {
        const write = () => void stream.write(hostLines(name, text, width))
        if (style === 'lines') write()
        else later.push(write)
      },
      async () => stream.writableNeedDrain && once(stream, 'drain'),
    )
  const [stdout, stderr] = [to(out), to(err)]
  return {
    stdout,
    stderr,
    texts: none,
    async end(code) {
      await Promise.all([stdout, stderr].map((stream) => finished(stream.end())))
      if (style === 'grouped') out.write(hostHead(name, code))
      for (const write of later) write()
    },
  }
}
