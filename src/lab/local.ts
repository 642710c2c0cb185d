import { $ } from 'zx/core'
import { ProvisionError } from '../errors.ts'

/** What a program on this machine said and how it ended. */
export interface LocalResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A program of this machine, by its argument list; quiet, and an error unless it ends well. */
export async function local(
  argv: readonly string[],
  options: { input?: string; signal?: AbortSignal } = {},
): Promise<string> {
  // zx runs bash, which takes the socket that Node gives it as standard input for a remote login, and then reads
  // ~/.bashrc: unless SHLVL says that it is no first shell (bash(1), INVOCATION).
  const env = { ...process.env, SHLVL: '1' }
  const result = await $({ quiet: true, nothrow: true, env, ...options })`${[...argv]}`
  options.signal?.throwIfAborted()
  if (result.exitCode === 0) return result.stdout
  const why = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-12).join('\n')
  throw new ProvisionError(`lab: ${argv.slice(0, 4).join(' ')} failed (${result.exitCode ?? result.signal}): ${why}`)
}

/** Looks again and again until there is an answer; undefined when the deadline comes first. */
export async function until<T>(
  look: () => Promise<T | undefined>,
  { timeoutMs, everyMs = 20 }: { timeoutMs: number; everyMs?: number },
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await look()
    if (answer !== undefined || performance.now() > deadline) return answer
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
