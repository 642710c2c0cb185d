import type { Observed } from './resource.ts'

/**
 * What the fact `running sshd` says: the process, when it read its configuration, and which files it has not read since
 * they were changed. Pure.
 *
 * sshd does not tell what it has read, so it is judged by time, and by what we wrote down when we had it reload.
 * - The time of a process is counted by the kernel since boot, so no setting of the clock moves it. A start and a
 *   reload write the pid file; one that was written while the clock was wrong is older than the process, and then not
 *   used.
 * - A file counts as changed at its ctime, which mv, cp -p and touch -d cannot turn back. A ctime that is still to come
 *   was made by another clock and says nothing.
 * - A file that reads as it did at our last reload is in force, whatever its time is: comments, touch, and a clock that
 *   goes wrong in a power cut change nothing. (An edit that was reloaded and then undone looks so, too. That equals the
 *   state at our last accepted login.)
 * What cannot be known: what in a file is new where we never had this sshd reload; an edit from before the clock was
 * first set after boot, there, or before a virtual machine was paused; and on a machine whose clock is set by nobody,
 * whether a file is from this boot or from one before.
 */
export interface Sshd {
  readonly pid: string
  /**
   * When it was started, in hundredths of a second since boot: with it a number that was given out again is told apart.
   */
  readonly born: string
  /** Its arguments. */
  readonly argv: readonly string[]
  /** The service whose main process it is; undefined: it was started by hand. */
  readonly unit: string | undefined
  readonly reloads: boolean
  readonly keepsSessions: boolean
  /** It was handed its port by systemd, whatever has become of the socket unit since. */
  readonly socket: boolean
  /** Seconds of today's clock, both. */
  readonly now: number
  readonly lastRead: number
  readonly configuration: Configuration
}

export interface Configuration {
  /** Files and folders that matter, each as find(1) prints its ctime and name. */
  readonly rows: readonly { readonly path: string; readonly text: string }[]
}

/** A file that sshd has not read since. */
export interface Unread {
  readonly path: string
  readonly changed: number
  /** Its lines: which are new (`+`) and gone (`-`), or `whole`: all, for which are new is not known. */
  readonly says: readonly string[]
  readonly whole: boolean
}

/** A port belongs to the control group of who opened it. */
const openedBySystemd = / cgroup:\S*\/init\.scope$/
const pidFile = '/run/sshd.pid'
/** Seconds by which times of one moment may differ: each comes from another clock of the kernel. */
const slack = 1

/** Undefined where no sshd runs that listens. */
export function parseSshd(observed: Observed): Sshd | undefined {
  const [, pid = '', born = '', uptime, at, written, title = ''] =
    /^@sshd (\d+) (\d+) (\S+) (\S+) (\S+) (.*)$/m.exec(observed) ?? []
  if (pid === '') return undefined
  const observedUnit = properties(observed.slice(0, end(observed, '@path ')))
  const unit = observedUnit.get('MainPID') === pid ? observedUnit : undefined
  const now = Number(at)
  const started = now - (Number(uptime) - Number(born) / 100)
  const rows = paths(observed)
  const { mtime = Number.NaN } = written === pid ? (rows.find(({ path }) => path === pidFile) ?? {}) : {}
  const reported = [mtime, reloaded(unit)].find((at) => at <= now + slack) ?? started
  return {
    pid,
    born,
    argv: title
      .replace(/^sshd: /, '')
      .replace(/ \[listener\].*$/, '')
      .split(' ')
      .slice(1),
    unit: unit?.get('Id'),
    reloads: unit?.get('CanReload') === 'yes',
    keepsSessions: /^(process|none)$/.test(unit?.get('KillMode') ?? ''),
    socket: [...observed.matchAll(/^LISTEN .*/gm)].some(
      ([row]) => row.includes(',pid=1,') || openedBySystemd.test(row),
    ),
    now,
    lastRead: Math.max(started, reported),
    configuration: { rows: rows.filter(({ path }) => path !== pidFile).map(({ path, text }) => ({ path, text })) },
  }
}

/** The files that a reload would bring into force, each with what it says. */
export function unread({ lastRead, now }: Sshd, observed: Observed): Unread[] {
  const rows = paths(observed)
  const since = (path: string) => {
    const changed = Math.max(...rows.flatMap((row) => (row.path === path ? [row.ctime] : [])))
    return changed > lastRead && changed <= now + slack ? changed : undefined
  }
  const at = { lines: end(observed, '@lines'), inForce: end(observed, '@in-force') }
  const files = rows.filter(({ type, path }) => type !== 'd' && path !== pidFile).map(({ path }) => path)
  const present = linesOf(observed.slice(at.lines, at.inForce), files)
  const before = at.inForce < observed.length ? linesOf(observed.slice(at.inForce)) : undefined
  const gone = [...(before?.keys() ?? [])].filter((path) => !files.includes(path) && !withoutReload.test(path))
  return [...new Set([...files, ...gone])].flatMap((path) => {
    const changed = since(files.includes(path) ? path : path.replace(/\/[^/]*$/, ''))
    const says = present.get(path) ?? []
    const said = before && (before.get(path) ?? [])
    const differs = said ? compare(said, says) : says
    return changed === undefined || differs.length === 0 ? [] : [{ path, changed, says: differs, whole: !said }]
  })
}

/** Host keys on disk, as `ssh-ed25519 AAAA…`, and which of them sshd has not read since their files were written. */
export function hostKeysOnDisk({ lastRead, now }: Sshd, observed: Observed): { all: string[]; unread: string[] } {
  const rows = paths(observed)
  const keys = [...observed.matchAll(/^@key (\S+ \S+) (.+)$/gm)].map(([, key = '', path = '']) => ({ key, path }))
  const fresh = ({ path }: { path: string }) =>
    rows.some((row) => row.path === path && row.ctime > lastRead && row.ctime <= now + slack)
  return { all: keys.map(({ key }) => key), unread: keys.filter(fresh).map(({ key }) => key) }
}

/** A file of ours that is removed with the last enrolment: sshd is not reloaded then. */
const withoutReload = /^\/etc\/ssh\/sshd_config\.d\/00-reverse-tunnel-enrol\.conf$/

function compare(before: readonly string[], now: readonly string[]): string[] {
  if (before.join('\n') === now.join('\n')) return []
  const added = now.filter((line) => !before.includes(line)).map((line) => `+ ${line}`)
  const removed = before.filter((line) => !now.includes(line)).map((line) => `- ${line}`)
  const moved = [...added, ...removed]
  return moved.length > 0 ? moved : ['the same lines in another order or number']
}

/**
 * Path → its lines that say something. Without a list of files: of a text that begins each line with an absolute path.
 */
function linesOf(text: string, files?: readonly string[]): Map<string, string[]> {
  const result = new Map<string, string[]>()
  for (const row of text.split('\n')) {
    const path = files ? files.find((file) => row.startsWith(`${file}:`)) : /^(\/[^:]*):/.exec(row)?.[1]
    if (path === undefined) continue
    const line = row
      .slice(path.length + 1)
      .trim()
      .replaceAll(/\s+/g, ' ')
    result.set(path, [...(result.get(path) ?? []), line])
  }
  return result
}

function paths(observed: Observed) {
  return [...observed.matchAll(/^@path (\S) (\S+) (\S+) (.+)$/gm)].map(([, type = '', mtime, ctime, path = '']) => ({
    type,
    mtime: Number(mtime),
    ctime: Number(ctime),
    path,
    text: `${ctime} ${path}`,
  }))
}

const properties = (block: string) =>
  new Map([...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']): [string, string] => [name, value]))

/**
 * The last reload that systemd was asked for, for where there is no pid file of this process; it tells whole seconds.
 */
function reloaded(unit: ReadonlyMap<string, string> | undefined): number {
  const [, at] = /start_time=\[\w+ ([\d-]+ [\d:]+) UTC\]/.exec(unit?.get('ExecReload') ?? '') ?? []
  return at === undefined ? Number.NaN : Date.parse(`${at.replace(' ', 'T')}Z`) / 1000 + slack
}

function end(text: string, mark: string): number {
  const at = text.search(new RegExp(`^${mark}`, 'm'))
  return at < 0 ? text.length : at
}
