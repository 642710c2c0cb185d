import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { labs } from './plan.ts'

/**
 * Each systemd watches files through about ten inotify instances, all machines of all labs count as one user, and Linux
 * lets a user have 128: the twelfth machine or so would not boot.
 */
const limit = '/proc/sys/fs/inotify/max_user_instances'
const enough = 4096
const before = join(labs, '.inotify-before')

export async function raiseLimits(): Promise<void> {
  const now = await readFile(limit, 'utf8').catch(() => String(enough))
  if (Number(now) >= enough) return
  // Where it cannot be raised, a small lab boots all the same.
  await writeFile(before, now)
    .then(() => writeFile(limit, String(enough)))
    .catch(() => undefined)
}

/** When the last lab is gone. Somebody else's later choice stays. */
export async function lowerLimits(): Promise<void> {
  const [old, now] = await Promise.all([before, limit].map((file) => readFile(file, 'utf8').catch(() => undefined)))
  if (old === undefined) return
  if (Number(now) === enough) await writeFile(limit, old).catch(() => undefined)
  await rm(before, { force: true })
}
