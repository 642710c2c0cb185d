import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { join } from 'node:path'

/**
 * From now on all that this process starts weighs no more on the CPU than one process of somebody else: beside it, seconds
 * are measured. A control group does that, since the kernel may give every session the same share, whatever its niceness;
 * where the CPU has no groups of the first version, niceness is all there is.
 *
 * @returns the way back, for when all that was started has ended
 */
export async function giveWay(): Promise<() => Promise<void>> {
  const parent = await groupOfCpu()
  if (parent === undefined) {
    setPriority(19)
    return async () => {}
  }
  const own = join(parent, `provision-tests-${process.pid}`)
  const move = (group: string) => writeFile(join(group, 'cgroup.procs'), String(process.pid))
  await mkdir(own)
  await move(own)
  return async () => {
    await move(parent)
    await rmdir(own)
  }
}

async function groupOfCpu(): Promise<string | undefined> {
  const path = /^\d+:cpu(?:,cpuacct)?:(.*)$/m.exec(await readFile('/proc/self/cgroup', 'utf8'))?.[1]
  if (path === undefined) return undefined
  const group = join('/sys/fs/cgroup/cpu', path)
  return access(join(group, 'cpu.shares')).then(
    () => group,
    () => undefined,
  )
}
