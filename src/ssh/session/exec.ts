import { randomBytes } from 'node:crypto'
import { RemoteError } from '../../errors.ts'
import { collector, printable } from './end-mark.ts'
import type { Link, Running } from './link.ts'
import { commandInput, remoteCommand, type Sudo } from './remote-command.ts'
import type { ExecResult } from './session.ts'
import { mayNotRunShell, SudoAsks, sudoError } from './sudo-error.ts'
import { swallowed } from './swallowed.ts'

export interface Exec {
  readonly script: string
  readonly timeoutMs: number
  readonly privileged: boolean
  /** The script's own stdin. */
  readonly input?: string
  readonly sudo: Sudo
  /** The account we logged in to, for messages. */
  readonly user: string
  readonly password: string | undefined
  /** Most bytes of stdout and stderr together. */
  readonly capBytes: number
  /** Aborted when the connection goes away, its reason being the RemoteError `lost`. */
  readonly gone: AbortSignal
}

/**
 * How long a channel may take to close after the script's end was seen: a child left behind may hold it open for ever.
 */
const CLOSE_GRACE_MS = 1000

/**
 * Runs one script, as root where that is wished.
 * @throws RemoteError `lost`, `timeout`, `sudo`, `output`, `refused`
 */
export async function exec(link: Link, wish: Exec): Promise<ExecResult> {
  try {
    return await run(link, wish)
  } catch (error) {
    // sudo also asks those for a password whom it will not let run a shell; it tells when it is asked what it allows.
    if (!(error instanceof SudoAsks)) throw error
    const { input: _, ...asks } = { ...wish, script: 'LC_ALL=C sudo -n -l sh', privileged: false }
    const allowed = await run(link, asks).catch(() => undefined)
    const says = allowed && `${allowed.stdout}${allowed.stderr}`.trim()
    throw allowed?.code === 1 && says === '' ? mayNotRunShell(wish.user) : error
  }
}

/**
 * A connection that closed in the middle may look like an end, so only the mark that our remote
 * command writes counts as one.
 */
function run(link: Link, wish: Exec): Promise<ExecResult> {
  const mark = `end-${randomBytes(16).toString('hex')}`
  const withPassword = wish.privileged && wish.sudo === 'password' && wish.password !== undefined
  const text = `${wish.script}${wish.input ?? ''}`
  const stdin = commandInput(mark, { password: withPassword ? wish.password : undefined, text })
  const scriptBytes = wish.input === undefined ? undefined : Buffer.byteLength(wish.script)
  const sudo: Sudo = wish.sudo === 'password' && !withPassword ? 'plain' : wish.sudo
  const stdout = collector(mark)
  const stderr = collector(mark)
  let running: Running | undefined
  let grace: NodeJS.Timeout | undefined

  return new Promise<ExecResult>((resolve, reject) => {
    let settled = false
    const settle = (act: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      clearTimeout(grace)
      wish.gone.removeEventListener('abort', onGone)
      act()
    }
    const fail = (error: unknown) =>
      settle(() => {
        running?.close()
        reject(error)
      })
    // A script that takes its own sshd down may still have come to its end.
    const onGone = () => (stdout.ended() && stderr.ended() ? finish() : fail(wish.gone.reason))
    const timer = setTimeout(() => fail(timedOut(wish)), wish.timeoutMs)
    const finish = () =>
      settle(() => {
        running?.close()
        try {
          resolve(result(stdout.end(), stderr.end(), wish, mark))
        } catch (error) {
          reject(error)
        }
      })
    const take = (into: typeof stdout) => (chunk: Buffer) => {
      if (settled) return
      into.add(chunk)
      if (stdout.size() + stderr.size() > wish.capBytes) fail(tooMuch(wish))
      else if (stdout.ended() && stderr.ended()) grace ??= setTimeout(finish, CLOSE_GRACE_MS)
    }
    if (wish.gone.aborted) return onGone()
    wish.gone.addEventListener('abort', onGone, { once: true })
    running = link.run(remoteCommand({ mark, privileged: wish.privileged, sudo, scriptBytes }), {
      stdin,
      onStdout: take(stdout),
      onStderr: take(stderr),
    })
    running.closed.then((closed) => {
      if (stdout.ended() && stderr.ended()) finish()
      else fail(noEnd(closed.code, closed.signal, stderr.text(), wish))
    }, fail)
  })
}

function result(stdout: Ended, stderr: Ended, wish: Exec, mark: string): ExecResult {
  const [code = '', word] = stderr.words
  if (word === undefined) return { code: Number(code), stdout: stdout.output, stderr: stderr.output }
  // The line that root's side writes before the script begins: without it sudo refused.
  const begin = Buffer.from(`${mark}+\n`)
  const at = stderr.output.indexOf(begin)
  const error = swallowed(word, { output: stderr.output, mark, user: wish.user })
  if (error) throw error
  if (word !== 'sudo' || at < 0) throw sudoError(word, stderr.output.toString(), wish)
  const rest = Buffer.concat([stderr.output.subarray(0, at), stderr.output.subarray(at + begin.length)])
  return { code: Number(code), stdout: stdout.output, stderr: rest }
}

interface Ended {
  readonly output: Buffer
  readonly words: readonly string[]
}

function timedOut(wish: Exec): RemoteError {
  const hint = 'what the script started may still run there; a slow machine may need a longer --timeout'
  return new RemoteError('timeout', `the script did not end within ${wish.timeoutMs / 1000} s`, hint)
}

function tooMuch(wish: Exec): RemoteError {
  return new RemoteError('output', `the script wrote more than ${Math.floor(wish.capBytes / 1024)} KiB`)
}

/** A channel that closed, and our end line had not come. */
export function noEnd(
  code: number | null,
  signal: string | null,
  stderr: string,
  wish: Pick<Exec, 'user'>,
): RemoteError {
  if (signal !== null) return new RemoteError('lost', `the script's shell was ended by ${signal}`)
  if (code === null) return new RemoteError('lost', 'the connection was lost before the script ended')
  const output = printable(stderr) === '' ? '' : `: ${printable(stderr)}`
  const hint = `may ${wish.user} run commands there? A login shell like nologin, or a forced command in authorized_keys, forbids it`
  return new RemoteError('refused', `the account ${wish.user} did not run the script, exit code ${code}${output}`, hint)
}
