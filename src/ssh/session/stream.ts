import { randomBytes } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { RemoteError } from '../../errors.ts'
import { sh } from '../../shell/sh.ts'
import { exec, noEnd } from './exec.ts'
import type { Closed, Link, OpenCommand } from './link.ts'
import { type OutputFilter, outputFilter } from './output-filter.ts'
import { commandInput, remoteCommand, type Sudo } from './remote-command.ts'
import type { Streams } from './session.ts'
import { sudoError } from './sudo-error.ts'
import { swallowed } from './swallowed.ts'

export interface Streaming extends Streams {
  readonly line: string
  readonly sudo: Sudo
  /** The account we logged in to, for messages. */
  readonly user: string
  readonly password: string | undefined
  /** How long the shell there may take to begin. */
  readonly beginMs: number
  readonly gone: AbortSignal
}

/** What a shell tells of a command that a Ctrl-C has ended. */
const interruptedCode = 130

/**
 * Runs one shell line with its streams open. As with `exec`, only our own last line counts as its end.
 * @throws RemoteError `lost`, `sudo`, `refused`
 */
export async function stream(link: Link, wish: Streaming): Promise<number> {
  const mark = `end-${randomBytes(16).toString('hex')}`
  const { privileged, password, signal, user } = wish
  const sudo: Sudo = wish.sudo === 'password' && password === undefined ? 'plain' : wish.sudo
  // In braces: cut short anywhere, it does nothing.
  const script = (privileged ? sh`{ exec sh -c ${wish.line}; }` : sh`{ exec "\${SHELL:-sh}" -c ${wish.line}; }`).text
  const scriptBytes = Buffer.byteLength(script)
  const command = await link.open(remoteCommand({ mark, privileged, sudo, scriptBytes, streamed: true }))
  const out = outputFilter(mark, { begins: false })
  const errors = outputFilter(mark, { begins: true })
  const feeding = feed(command, { script, input: wish.stdin, signal, beginMs: wish.beginMs })
  command.stdin.write(commandInput(mark, { password: privileged && sudo === 'password' ? password : undefined }))
  const interrupt = interrupted(signal, async () => {
    const shell = errors.shell()
    if (shell !== undefined) await endGroup(link, shell, { ...wish, sudo })
  })
  try {
    const ended = Promise.all([
      pass(command.stdout, { through: out, to: wish.stdout, gone: wish.gone }),
      pass(command.stderr, { through: errors, to: wish.stderr, gone: wish.gone, begun: feeding.begin }),
    ])
    const isInterrupted = await Promise.race([ended.then(() => false), interrupt.over])
    if (isInterrupted || signal?.aborted) return interruptedCode
    const words = out.words() && errors.words()
    if (words === undefined) throw unended(await command.closed, errors, wish)
    const [code = '', word = ''] = words
    const lost = swallowed(word, { output: errors.rest(), mark, user })
    if (lost) throw lost
    if (feeding.gaveUp() && errors.hasBegun()) throw tooLate(wish)
    if (word !== '' && !errors.hasBegun()) throw sudoError(word, errors.rest().toString(), { user, password })
    return Number(code)
  } finally {
    interrupt.done()
    feeding.stop()
    command.close()
  }
}

function tooLate({ beginMs }: Streaming): RemoteError {
  return new RemoteError(
    'timeout',
    `the shell there did not begin within ${beginMs / 1000} s, so nothing was run`,
    'a slow machine may need a longer --timeout',
  )
}

function unended({ code, signal }: Closed, errors: OutputFilter, wish: Streaming): unknown {
  if (wish.gone.aborted) return wish.gone.reason
  // Once the line has begun, its account runs commands: then the connection, or its shell, was ended.
  return noEnd(errors.hasBegun() ? null : code, signal, errors.rest().toString(), wish)
}

interface Feed extends Pick<Streams, 'signal'>, Pick<Streaming, 'beginMs'> {
  readonly script: string
  readonly input: Readable | undefined
}

/**
 * The script, and then whatever comes in; not before the shell there has told its number. So nothing runs there that an
 * abort could not end: what waits for its script reads none when the channel is closed. Where the shell does not begin,
 * something reads what is meant for it: that is told that no more will come, and then the shell finds no mark.
 */
function feed({ stdin }: OpenCommand, { script, input, signal, beginMs }: Feed) {
  let state: 'waits' | 'feeds' | 'gave up' | 'stopped' = 'waits'
  stdin.on('error', () => undefined)
  const timer = setTimeout(() => {
    state = 'gave up'
    stdin.end()
  }, beginMs)
  return {
    gaveUp: () => state === 'gave up',
    begin() {
      if (state !== 'waits' || signal?.aborted) return
      state = 'feeds'
      clearTimeout(timer)
      if (input === undefined) stdin.end(script)
      else {
        stdin.write(script)
        input.pipe(stdin)
      }
    },
    stop() {
      state = 'stopped'
      clearTimeout(timer)
      input?.unpipe(stdin)
      input?.pause()
    },
  }
}

interface Passing {
  readonly through: OutputFilter
  readonly to: Writable
  readonly gone: AbortSignal
  /** Called once the command has begun, and perhaps again. */
  readonly begun?: () => void
}

/** All that comes, as fast as it is taken; until our line, or the end of the stream. */
async function pass(from: Readable, { through, to, gone, begun }: Passing): Promise<void> {
  const hear = () => undefined
  to.on('error', hear)
  const end = () => void from.destroy()
  gone.addEventListener('abort', end, { once: true })
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      const bytes = through.take(chunk)
      if (through.hasBegun()) begun?.()
      await write(to, bytes)
      if (through.words() !== undefined) return
    }
    if (through.hasBegun()) await write(to, through.rest())
  } catch (error) {
    // A stream that was cut has no more to say; whether all was said, its filter knows.
    if (!from.destroyed) throw error
  } finally {
    gone.removeEventListener('abort', end)
    to.off('error', hear)
  }
}

function write(to: Writable, bytes: Buffer): Promise<void> {
  if (bytes.length === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    to.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

/** `over`: resolves with true once the command was ended there after an abort. */
function interrupted(signal: AbortSignal | undefined, end: () => Promise<void>) {
  let onAbort = () => {}
  const over = new Promise<true>((resolve) => {
    onAbort = () => void end().finally(() => resolve(true))
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
  })
  return { over, done: () => signal?.removeEventListener('abort', onAbort) }
}

const END_MS = 5000

/**
 * All processes of the command's group, as a terminal would on Ctrl-C: closing its channel would only take its output
 * away. proc(5), /proc/PID/stat: the third word after the name in parentheses is the group.
 */
async function endGroup(link: Link, shell: string, wish: Streaming): Promise<void> {
  const script = sh`
    read -r stat </proc/${shell}/stat || exit 0
    set -- \${stat##*) }
    kill -s TERM -- "-$3"
    for wait in 1 2 3 4 5 6 7 8 9 10; do
      kill -s 0 -- "-$3" 2>/dev/null || exit 0
      sleep 0.2
    done
    kill -s KILL -- "-$3"
  `.text
  const { user, sudo, password, privileged, gone } = wish
  const how = { timeoutMs: END_MS, privileged, sudo, user, password, capBytes: 65_536, gone }
  await exec(link, { script: `if :; then\n${script}\nfi\n`, ...how }).catch((error: unknown) => {
    if (!(error instanceof RemoteError)) throw error
  })
}
