import { access, mkdir, rmdir, writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { join } from 'node:path'

const groups = '/sys/fs/cgroup/cpu'

/**
 * From now on all that this process starts weighs no more on the CPU than one process of somebody else: beside it, seconds
 * are measured. A group does that, since the kernel gives every session the same share, whatever its niceness; where
 * there are no such groups niceness is all there is.
 *
 * @returns the way back, for when all that was started has ended
 */
export async function giveWay(): Promise<() => Promise<void>> {
  const own = join(groups, `provision-tests-${process.pid}`)
  const procs = (group: string) => join(group, 'cgroup.procs')
  const move = (group: string) => writeFile(procs(group), String(process.pid))
  try {
    await access(join(groups, 'cpu.shares'))
  } catch {
    setPriority(19)
    return async () => {}
  }
  await mkdir(own)
  await move(own)
  return async () => {
    await move(groups)
    await rmdir(own)
  }
}
