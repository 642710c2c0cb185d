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
export const ssh = (words: readonly string[], env: Env): Process => run('ssh', words, env)

/** The same of its sftp. */
export const sftp = (words: readonly string[], env: Env): Process => run('sftp', words, env)

/** One with the terminal of this process, in its own process group; its exit code. */
export async function sshInTerminal(words: readonly string[], env: Env): Promise<number | null> {
  const options = { shell: '/bin/sh', prefix: '', quote, nothrow: true, stdio: 'inherit', env: { ...env } } as const
  return (await $(options)`exec ssh ${words}`).exitCode
}

type Env = Readonly<Record<string, string | undefined>>

function run(program: 'ssh' | 'sftp', words: readonly string[], env: Env): Process {
  const options = { shell: '/bin/sh', prefix: '', quote, quiet: true, nothrow: true, detached: true } as const
  const store = { stdout: forgetful(), stderr: forgetful(), stdall: forgetful() }
  const started = $({ ...options, env: { ...env, LC_ALL: 'C' }, store })`exec ${program} ${words}`
  const { stdin, stdout, stderr, child } = started
  // It may end before it has read all that it was given.
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined)
  const ended = started.then(({ exitCode }) => exitCode) as Promise<number | null>
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
