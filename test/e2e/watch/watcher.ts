import { until } from '../../../src/lab/local.ts'
import { linesOf } from '../docs/page.ts'
import type { Rehearsal } from '../kit.ts'

export interface RunningWatcher {
  /** What it has printed of what happened, line by line. */
  printed(): string[]
  /** Once it has said that. */
  says(words: string): Promise<void>
  /** When each host was first seen to be away from then on. Seconds since 1970. */
  seenSince(from: number): ReadonlyMap<string, number>
  end(signal: NodeJS.Signals): Promise<unknown>
}

export const seconds = () => Date.now() / 1000

/** `provision watch`, which looks each 5 s unless it is told otherwise. */
export async function watch(
  { spawn, file }: Rehearsal,
  state: string,
  words: readonly string[] = ['--every', '5s', '--timeout', '3'],
): Promise<RunningWatcher> {
  const all = ['watch', file, '--state', state, '--verbose', ...words]
  const child = spawn(all, { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let said = ''
  const sights: { name: string; at: number }[] = []
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
    for (const [, name = ''] of text.matchAll(
      /seen ([^,:]+)[,:] .*(?:stale|no-tunnel|sshd-down|wrong-device|unreachable)/g,
    ))
      sights.push({ name, at: seconds() })
  })
  const says = async (wanted: string) => {
    const heard = await until(async () => said.includes(wanted) || undefined, { timeoutMs: 40_000, everyMs: 100 })
    if (!heard) throw new Error(`it did not say "${wanted}": ${said}`)
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    return ended
  }
  await says('watching')
  return {
    printed: () => linesOf(printed),
    says,
    end,
    seenSince: (from) =>
      new Map(
        sights
          .filter(({ at }) => at >= from)
          .map(({ name, at }) => [name, at] as const)
          .reverse(),
      ),
  }
}
