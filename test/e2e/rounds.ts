import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The matrices go through all they have this often, one round after the other; PROVISION_ROUNDS says otherwise. */
export const rounds = Array.from({ length: Number(process.env.PROVISION_ROUNDS ?? 3) }, (_, n) => n + 1)

/**
 * This process, and all that it starts from here on, get this much of each core where others want it too; everybody else has
 * 1024. The seconds of the faults count, and the kills take longest. Where the kernel has no such control group, all share alike.
 */
export async function leaveCores(shares: number): Promise<void> {
  const group = `/sys/fs/cgroup/cpu/provision-tests-${shares}`
  try {
    await mkdir(group, { recursive: true })
    await writeFile(join(group, 'cpu.shares'), `${shares}`)
    await appendFile(join(group, 'cgroup.procs'), `${process.pid}`)
  } catch {}
}
