import { mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InventoryError } from '../../errors.ts'
import { errorCode, readIfThere } from '../../files/atomic.ts'

/**
 * One watcher for one record. Gives a function that lets go. What a watcher that was killed has left is taken over.
 * @throws InventoryError
 */
export async function lockRecord(file: string): Promise<() => Promise<void>> {
  const lock = `${file}.lock`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  for (;;) {
    try {
      await writeFile(lock, `${process.pid}\n`, { flag: 'wx', mode: 0o600 })
      return () => unlink(lock)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
    const pid = Number(await readIfThere(lock))
    if (await watches(pid))
      throw new InventoryError(
        `${file}: process ${pid} watches already, with this record`,
        'end that one, or name another folder with --state',
      )
    await unlink(lock).catch(() => undefined)
  }
}

/** Numbers of processes are given out again: this one has to be a watcher, too. */
async function watches(pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return words.split('\0').includes('watch')
}
