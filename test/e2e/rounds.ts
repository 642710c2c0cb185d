import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The matrices go through all they have this often, one round after the other; PROVISION_ROUNDS says otherwise. */
export const rounds = Array.from({ length: Number(process.env.PROVISION_ROUNDS ?? 3) }, (_, n) => n + 1)

const group = '/sys/fs/cgroup/cpu/provision-tests-that-wait'

/**
 * This process, and all that it starts from here on, leave the cores to the faults, whose seconds count. Where the kernel has
 * no such control group, all share alike, and faults may come late on few cores.
 */
export async function leaveCoresToFaults(): Promise<void> {
  try {
    await mkdir(group, { recursive: true })
    await writeFile(join(group, 'cpu.shares'), '100')
    await appendFile(join(group, 'cgroup.procs'), `${process.pid}`)
  } catch {}
}
