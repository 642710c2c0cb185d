import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { $ } from 'zx/core'
import { quote } from '../../shell/sh.ts'

export interface SshConfigOptions {
  /** ssh's `-F`; absent: the user's and the system's own files. */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Cancels the question: `Match exec` may take as long as it likes. */
  readonly signal?: AbortSignal | undefined
}

/** What `ssh -G` prints for a name; empty where there is no ssh, or where it refuses. Never throws. */
export type AskSsh = (name: string) => Promise<string>

/**
 * Set while we ask: `ssh -G` runs what `Match exec` says, and the blocks that we give to people would log in to a
 * gateway for each device.
 */
export const askedByProvision = 'PROVISION_ASKS_SSH'

const together = 25

/** What is asked in one moment shares a few shells: to start one for each name would double the 5 ms that ssh takes. */
export function askSsh(options: SshConfigOptions): AskSsh {
  const cores = availableParallelism()
  const limit = pLimit(cores)
  const waiting: { name: string; answer: (text: string) => void }[] = []
  const ask = () => {
    const share = Math.min(together, Math.ceil(waiting.length / cores))
    while (waiting.length > 0) {
      const some = waiting.splice(0, share)
      void limit(async () => {
        const texts = await askAll(
          some.map(({ name }) => name),
          options,
        )
        for (const [at, { answer }] of some.entries()) answer(texts[at] ?? '')
      })
    }
  }
  return (name) =>
    new Promise((answer) => {
      if (waiting.length === 0) setImmediate(ask)
      waiting.push({ name, answer })
    })
}

async function askAll(names: readonly string[], { file, env, signal }: SshConfigOptions): Promise<string[]> {
  // sh and our own quote: zx would want bash and quotes as only bash reads them.
  const run = $({
    shell: '/bin/sh',
    prefix: '',
    quote,
    quiet: true,
    nothrow: true,
    input: '',
    env: { ...env, [askedByProvision]: '1' },
    // A group of its own, to be ended with whatever `Match exec` has started.
    detached: signal !== undefined,
  })
  const from = file === undefined ? [] : ['-F', file]
  let giveUp = () => {}
  try {
    const asking = run`for name in ${names}; do if said=$(ssh -G ${from} -- "$name"); then printf '%s\n' "$said"; fi; printf '\\0'; done`
    giveUp = () => endGroup(asking.pid)
    signal?.addEventListener('abort', giveUp, { once: true })
    if (signal?.aborted) giveUp()
    const { stdout } = await asking
    return stdout.split('\0')
  } catch {
    return []
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended in this very moment.
  }
}
