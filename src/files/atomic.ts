import { randomBytes } from 'node:crypto'
import { access, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

/** A lock this old was left by a process that died: the work under it takes milliseconds. */
const STALE_MS = 10_000

/** The whole file, or nothing where there is none. Bytes survive: latin1 maps each to one character and back. */
export async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  }
}

/** A file, a folder, or anything else. */
export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/**
 * Reads, changes and replaces a file while no other `rewrite` of it runs, in any process. Readers see the old file or
 * the new one, never a part. A symbolic link stays one: its target is replaced. A file that is there keeps its mode,
 * and where root writes it, its owner.
 */
export async function rewrite(file: string, change: (before: string) => string): Promise<void> {
  const target = await realpath(file).catch(() => file)
  const lock = `${target}.lock`
  await acquire(lock)
  try {
    const before = await readIfThere(target)
    const after = change(before)
    if (after !== before) await replace(target, after)
  } finally {
    await unlink(lock).catch(() => undefined)
  }
}

/** A whole new file that everybody may read, in place of what was there: readers see the old one or the new one. */
export async function publish(file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file)
  await put(target, Buffer.from(text, 'utf8'), 0o644)
}

async function replace(target: string, text: string): Promise<void> {
  const there = await stat(target).catch(() => undefined)
  await put(target, Buffer.from(text, 'latin1'), there ? there.mode & 0o777 : 0o644, there)
}

/**
 * The same with these bytes and this mode, and never readable by others for a moment. A symbolic link is replaced
 * itself.
 */
export async function put(
  target: string,
  bytes: Buffer,
  mode: number,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const beside = `${target}.${randomBytes(6).toString('hex')}`
  const handle = await open(beside, 'wx', mode)
  try {
    if (owner && process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid)
    await handle.chmod(mode)
    await handle.writeFile(bytes)
    await handle.sync()
    await rename(beside, target)
  } catch (error) {
    await unlink(beside).catch(() => undefined)
    throw error
  } finally {
    await handle.close()
  }
}

async function acquire(lock: string): Promise<void> {
  for (;;) {
    try {
      await (await open(lock, 'wx', 0o644)).close()
      return
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
    const age = await stat(lock).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    )
    if (age > STALE_MS) await unlink(lock).catch(() => undefined)
    else await wait(5 + Math.random() * 15)
  }
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
