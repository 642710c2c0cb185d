import { readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { removeCgroups } from './cgroup.ts'
import { lowerLimits } from './limits.ts'
import { local, until } from './local.ts'
import { firewallOf, removeNamespace } from './network.ts'
import { labs } from './plan.ts'
import { killIn } from './processes.ts'
import { isWreck, labIds, madeSsh, passwdHome } from './state.ts'

/**
 * Takes away whatever carries the lab's id, from whatever state: everything is found by name or by namespace, nothing
 * is believed from a state file that a crash may have cut short. Twice is the same as once.
 */
export async function takeDown(id: string): Promise<void> {
  const belongs = (name: string) => name.startsWith(`${id}-`) || name.startsWith(`${id}+`)
  const namespaces = (await entries('/run/netns')).filter(belongs)
  await killIn(namespaces)
  // The firewall holds one end of every cable, so with it they all go at once.
  const [firewalls, others] = [namespaces.filter((name) => name === firewallOf(id)), namespaces]
  for (const name of [...firewalls, ...others.filter((other) => !firewalls.includes(other))])
    await removeNamespace(name)
  for (const name of (await entries('/etc/netns')).filter(belongs)) await removeNamespace(name)
  await unmountBelow(join(labs, id))
  await removeCgroups(belongs)
  for (const name of (await entries('/run/systemd/nspawn/propagate')).filter(belongs))
    await rmdir(join('/run/systemd/nspawn/propagate', name)).catch(() => undefined)
  await rm(join(labs, id), { recursive: true, force: true })
  if ((await labIds()).length === 0) {
    await lowerLimits()
    await forgetHome()
  }
  for (const shared of ['/etc/netns', labs]) await rmdir(shared).catch(() => undefined)
}

/** Clears away the labs that a crash left behind. */
export async function sweep(): Promise<void> {
  for (const id of await labIds()) if (await isWreck(id)) await takeDown(id)
}

async function forgetHome(): Promise<void> {
  if (!(await entries(labs)).includes(basename(madeSsh))) return
  await rmdir(join(passwdHome(), '.ssh')).catch(() => undefined)
  await rm(madeSsh, { force: true })
}

/** Another process may be at it, too: one that finds a lab half taken down sweeps it away. */
async function unmountBelow(directory: string): Promise<void> {
  for (const mount of await mountsBelow(directory))
    await local(['umount', mount])
      .catch(() => local(['umount', '--lazy', mount]))
      .catch(() => undefined)
  const gone = async () => (await mountsBelow(directory)).length === 0 || undefined
  await until(gone, { timeoutMs: 5000 })
  const left = await mountsBelow(directory)
  if (left.length > 0) throw new ProvisionError(`lab: still mounted: ${left.join(', ')}`)
}

/** Deepest first. */
async function mountsBelow(directory: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n')
  return lines
    .flatMap((line) => line.split(' ')[1] ?? [])
    .filter((mount) => mount.startsWith(`${directory}/`))
    .reverse()
}

function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
