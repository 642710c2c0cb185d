import { endWell } from './commands/line/ending.ts'
import { help } from './commands/line/help.ts'
import { meaningOf } from './commands/line/meaning.ts'
import { ConnectError, InventoryError, ProvisionError } from './errors.ts'

/**
 * `provision WORDS…`: finds out what they mean, and does it. Sets process.exitCode; errors are printed on stderr as
 * `provision: error:` and `provision: hint:`. What a command needs is loaded when it is known to be meant.
 */
export async function main(words: readonly string[]): Promise<void> {
  endWell()
  try {
    await follow(words)
  } catch (error) {
    await tell(error)
    process.exitCode = error instanceof InventoryError ? 2 : error instanceof ConnectError ? 3 : 1
  }
}

async function follow(words: readonly string[]): Promise<void> {
  const terminal = Boolean(process.stdin.isTTY && process.stderr.isTTY && !process.env.CI)
  const meaning = await meaningOf(words, { env: process.env, terminal })
  switch (meaning.kind) {
    case 'version':
      return void process.stdout.write(`${__VERSION__}\n`)
    case 'help':
      // A terminal that nobody has sized says 0.
      return void process.stdout.write(await help(meaning.of, Math.min(process.stdout.columns || 100, 120)))
    case 'complete': {
      const { completeFor } = await import('./commands/line/complete.ts')
      return void process.stdout.write(await completeFor(meaning.words))
    }
    case 'command': {
      const { runCommand } = await import('./commands/line/run-command.ts')
      return runCommand(await meaning.entry.load(), meaning.words, meaning.shape)
    }
  }
}

async function tell(error: unknown): Promise<void> {
  const { inert } = await import('./report/inert.ts')
  const known = error instanceof ProvisionError
  const message = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(inert(`provision: error: ${message}\n`))
  if (known && error.hint) process.stderr.write(inert(`provision: hint: ${error.hint}\n`))
  if (error instanceof InventoryError && process.env.GITHUB_ACTIONS === 'true')
    process.stderr.write(await pointed(error))
}

/** GitHub's runner reads both streams: these stand beside what they repeat. */
async function pointed({ problems }: InventoryError): Promise<string> {
  const [{ annotate }, { fromWorkspace }] = await Promise.all([
    import('./report/ci/github.ts'),
    import('./commands/shared/workspace.ts'),
  ])
  return annotate(
    problems.map(({ file, ...problem }) => ({
      ...problem,
      file: fromWorkspace(file, process.env),
      title: 'inventory',
    })),
  )
}

declare const __VERSION__: string
