import { randomBytes } from 'node:crypto'
import { chmod, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, posix } from 'node:path'
import { RemoteError } from '../errors.ts'
import { plainShell, program, whole } from '../shell/program.ts'
import { lines, sh } from '../shell/sh.ts'
import { printable } from '../ssh/session/end-mark.ts'
import type { ExecResult, FullSession } from '../ssh/session/session.ts'
import { untilAborted } from '../ssh/session/until-aborted.ts'
import lookAtFile from './look-at-file.sh'
import makeRoom from './make-room.sh'
import moveIn from './move-in.sh'

/** A file that has arrived. */
export interface Copied {
  /** Its whole path. */
  readonly path: string
  readonly bytes: number
  readonly mode: number
}

/** A file here that is to be sent. */
export interface LocalFile {
  readonly file: string
  readonly bytes: number
  readonly mode: number
}

const SCRIPT_MS = 30_000

/**
 * One file to a host. It arrives beside its place, and takes it whole, in one step: who reads it there sees the old one
 * or the new one. It has the mode that it has here, and belongs to the account that we log in to.
 * @throws RemoteError
 */
export async function copyTo(
  session: FullSession,
  local: LocalFile,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<Copied> {
  const name = basename(local.file)
  const room = await ask(session, makeRoom, [path, name, randomBytes(6).toString('hex')])
  const [word = '', beside = '', place = ''] = room.words
  if (word !== 'room') throw refused(word, { ...room, path: beside })
  let arrived = false
  try {
    await untilAborted(signal, () => session.put(local.file, beside))
    const moved = await ask(session, moveIn, [beside, place, local.mode.toString(8), local.bytes])
    arrived = moved.words[0] === 'done'
    if (!arrived) throw refused(moved.words[0] ?? '', { ...moved, path: place })
    return { path: place, bytes: local.bytes, mode: local.mode }
  } finally {
    if (!arrived) await session.exec(sh`rm -f -- ${beside}`.text, unprivileged).catch(() => undefined)
  }
}

/** One file from a host, in the same way. `place`: where it goes, as of `placeHere`. */
export async function copyFrom(
  session: FullSession,
  place: string,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<Copied> {
  const found = await ask(session, lookAtFile, [path])
  const [word = '', mode = '', , from = ''] = found.words
  if (word !== 'file') throw refused(word, { ...found, path })
  const target = await realpath(place).catch(() => place)
  const beside = `${target}.${process.pid}.part`
  await (await open(beside, 'wx', 0o600)).close()
  try {
    await untilAborted(signal, () => session.get(from, beside))
    const { size } = await stat(beside)
    const kept = Number.parseInt(mode, 8) & 0o777
    await chmod(beside, kept)
    await rename(beside, target)
    return { path: target, bytes: size, mode: kept }
  } finally {
    await rm(beside, { force: true })
  }
}

/** Where a file with this name goes that is sent to `place` here; undefined: a folder is in the way, or missing. */
export async function placeHere(place: string, path: string): Promise<string | undefined> {
  const isFolder = async (at: string) => (await stat(at).catch(() => undefined))?.isDirectory() ?? false
  const target = (await isFolder(place)) ? posix.join(place, posix.basename(path)) : place
  return (await isFolder(target)) || !(await isFolder(dirname(target))) ? undefined : target
}

const unprivileged = { timeoutMs: SCRIPT_MS, privileged: false } as const

async function ask(session: FullSession, text: string, words: readonly (string | number)[]) {
  const script = whole(lines(plainShell, sh`set -- ${words}`, program(text)))
  const answer = await session.exec(script, unprivileged)
  return { words: answer.stdout.toString().split('\n'), why: complaint(answer), host: session.host }
}

const complaint = ({ stderr }: ExecResult) => printable(stderr.toString())

interface Refusal {
  readonly path: string
  /** What a program there said. */
  readonly why: string
  readonly host: string
}

function refused(word: string, { path, why, host }: Refusal): RemoteError {
  const reasons: Readonly<Record<string, readonly [string, string]>> = {
    folder: ['is a folder', `name a file; a whole folder: tar -c FOLDER | provision ssh ${host} -- tar -x`],
    special: ['is no regular file', 'name a regular file'],
    missing: ['is not there', `look with: provision ssh ${host} -- ls`],
    denied: [
      `the account may not do that${why === '' ? '' : `: ${why}`}`,
      `as root: provision exec --sudo --limit ${host} -- …`,
    ],
    cut: ['did not arrive whole, and was left out', 'did it change meanwhile, or is the disk full there?'],
  }
  const [what, hint] = reasons[word] ?? [why || 'its answer was cut short', undefined]
  return new RemoteError('refused', `${path}: ${what}`, hint)
}
