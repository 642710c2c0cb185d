import { spawn } from 'node:child_process'
import events from 'node:events'

/**
 * Another command of ours, as somebody would type it at this terminal; it is shown first. Gives its exit code. Ctrl-C
 * goes to both: the other one ends as it should, and then so do we.
 */
export async function asTyped(words: readonly string[]): Promise<number> {
  process.stderr.write(`$ provision ${words.join(' ')}\n`)
  const own = [...process.execArgv, process.argv[1] ?? '']
  const ignore = () => undefined
  process.on('SIGINT', ignore)
  try {
    const [code] = await events.once(spawn(process.execPath, [...own, ...words], { stdio: 'inherit' }), 'close')
    return code === null ? 130 : Number(code)
  } finally {
    process.off('SIGINT', ignore)
  }
}
