import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Every machine gets a control group of its own: nspawn gives its PID 1 a `payload` group below the one it was started
 * in, and two systemds in one `payload` would stop each other's services.
 */
export async function makeCgroups(name: string): Promise<readonly string[]> {
  const folders = (await hierarchies()).map((mount) => join(mount, name))
  for (const folder of folders) await mkdir(folder, { recursive: true })
  return folders
}

/** Takes away the control groups of these names, which nobody lives in any more. */
export async function removeCgroups(belongs: (name: string) => boolean): Promise<void> {
  for (const mount of await hierarchies())
    for (const entry of await readdir(mount, { withFileTypes: true }))
      if (entry.isDirectory() && belongs(entry.name)) await removeTree(join(mount, entry.name))
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name))
  await rmdir(folder).catch(() => undefined)
}

/** Where systemd tracks processes: cgroup v2, and beside it its own v1 hierarchy on older set-ups. */
async function hierarchies(): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '))
  return mounts
    .filter(([, , type, options]) => type === 'cgroup2' || (type === 'cgroup' && options?.includes('name=systemd')))
    .flatMap(([, mount]) => (mount ? [mount] : []))
}
