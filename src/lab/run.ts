import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { LocalResult } from './local.ts'
import type { LabPlan } from './plan.ts'
import { madeSsh, passwdHome } from './state.ts'

/** A program, its arguments and its surroundings, ready to be started. */
export interface CommandLine {
  readonly argv: readonly [string, ...string[]]
  readonly env: NodeJS.ProcessEnv
}

export interface CaptureOptions {
  readonly input?: string
  /** The program and all its children in its process group are killed then; the code is 124. */
  readonly timeoutMs?: number
}

// Each step becomes the next one, so the process that was started is in the end the command itself.
// A ~/.ssh is made where there is none to mount over, and marked, so that the last lab takes it away again.
const atHome = `[ -d "$2" ] || { mkdir -m 700 "$2" && : >${madeSsh}; }
mount --bind "$1" "$2" && shift 2 && exec "$@"`

/** A command of this machine as the admin machine would run it: this file system, that network, its own ~/.ssh. */
export function adminCommand(
  plan: LabPlan,
  namespace: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): CommandLine {
  const home = join(plan.directory, 'home')
  const { SSH_AUTH_SOCK: _, ...inherited } = process.env
  const bind = ['sh', '-c', atHome, 'sh', join(home, '.ssh'), join(passwdHome(), '.ssh')]
  return {
    argv: ['ip', 'netns', 'exec', namespace, ...bind, ...command],
    env: { ...inherited, HOME: home, PROVISION_KNOWN_HOSTS: join(plan.directory, 'known_hosts'), ...env },
  }
}

/** A command inside the machine whose PID 1 this is, as its root. */
export function insideCommand(leader: number, command: readonly string[]): CommandLine {
  const { TERM = 'dumb' } = process.env
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LANG: 'C.UTF-8',
    TERM,
  }
  return { argv: ['nsenter', '--target', String(leader), '--all', '--', ...command], env }
}

export function start(
  { argv: [program, ...rest], env }: CommandLine,
  stdio: StdioOptions,
  detached = false,
): ChildProcess {
  return spawn(program, rest, { env, stdio, detached })
}

/** Runs it to its end and tells what it said. */
export function capture(
  line: CommandLine,
  { input = '', timeoutMs = 60_000 }: CaptureOptions = {},
): Promise<LocalResult> {
  return new Promise((resolve, reject) => {
    const child = start(line, ['pipe', 'pipe', 'pipe'], true)
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text
      })
    let late = false
    const timer = setTimeout(() => {
      late = true
      killGroup(child)
    }, timeoutMs)
    child.once('error', reject)
    child.once('exit', () => {
      clearTimeout(timer)
      // What it left in the background (`ssh -f`) keeps the pipes open and is not waited for.
      const grace = setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, 500)
      child.once('close', () => clearTimeout(grace))
    })
    child.once('close', (code, signal) => {
      if (late) said.stderr += `lab: killed after ${timeoutMs} ms\n`
      resolve({ code: late ? 124 : exitCode(code, signal), ...said })
    })
    child.stdin?.on('error', () => undefined).end(input)
  })
}

/** Runs it with the terminal of this process; its exit code. Signals meant for us are passed on. */
export function attach(line: CommandLine): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = start(line, 'inherit')
    const pass = (signal: NodeJS.Signals) => child.kill(signal)
    // A Ctrl-C of the terminal reaches the child by itself; we only must outlive it.
    const stay = () => undefined
    process.on('SIGINT', stay).on('SIGTERM', pass).on('SIGHUP', pass)
    const done = () => process.off('SIGINT', stay).off('SIGTERM', pass).off('SIGHUP', pass)
    child.once('error', (error) => {
      done()
      reject(error)
    })
    child.once('exit', (code, signal) => {
      done()
      resolve(exitCode(code, signal))
    })
  })
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal ? constants.signals[signal] : 0)
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended in this very moment.
  }
}
