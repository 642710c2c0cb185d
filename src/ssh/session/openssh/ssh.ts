import type { Readable, Writable } from 'node:stream'
import { $ } from 'zx/core'
import { quote } from '../../../shell/sh.ts'

export interface Process {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Its exit code, once it is gone and all it wrote was read; null: a signal ended it. */
  readonly ended: Promise<number | null>
  kill(): void
  /**
   * Asks it to end, and waits for that; not for what it may have started itself, as long as a token waits for its
   * touch.
   */
  stop(): Promise<void>
}

const STOP_MS = 1000

/**
 * One run of the system's ssh, in a process group of its own: a Ctrl-C is for this process to handle. Nothing is
 * thrown, and none of what it writes is kept.
 */
export function ssh(words: readonly string[], env: Readonly<Record<string, string | undefined>>): Process {
  const options = { shell: '/bin/sh', prefix: '', quote, quiet: true, nothrow: true, detached: true } as const
  const store = { stdout: forgetful(), stderr: forgetful(), stdall: forgetful() }
  const run = $({ ...options, env: { ...env, LC_ALL: 'C' }, store })`exec ssh ${words}`
  const { stdin, stdout, stderr, child } = run
  // It may end before it has read all that it was given.
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined)
  const ended = run.then(({ exitCode }) => exitCode) as Promise<number | null>
  const kill = () => void child?.kill('SIGKILL')
  return {
    stdin,
    stdout,
    stderr,
    ended,
    kill,
    async stop() {
      child?.kill('SIGTERM')
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, STOP_MS)
      })
      await Promise.race([ended, late])
      clearTimeout(timer)
      kill()
      // Who it has started holds the other ends, and would keep this process alive.
      for (const stream of [stdin, stdout, stderr]) stream.destroy()
    },
  }
}

function forgetful(): Buffer[] {
  const nothing: Buffer[] = []
  nothing.push = () => 0
  return nothing
}
