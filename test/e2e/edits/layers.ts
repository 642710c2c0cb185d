import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Machine } from '../../../src/lab/index.ts'
import { local } from '../../../src/lab/local.ts'

/**
 * What a machine has on its disk is kept as a layer, and the machine goes on with an empty one above it. Going back to a
 * layer costs a power cut and a boot, and copies nothing.
 */
export interface Layer {
  readonly machine: Machine
  /** Uppermost first; the base system of the lab is the last. */
  readonly folders: readonly string[]
}

/** The machine is off then, and so is whatever runs on it. */
export async function keep(machine: Machine, name: string): Promise<Layer> {
  await machine.kill()
  const disk = dirname(machine.root)
  const below = await lowerOf(machine)
  const kept = join(disk, 'kept', name)
  await mkdir(dirname(kept), { recursive: true })
  await local(['umount', machine.root])
  await rename(join(disk, 'upper'), kept)
  const layer = { machine, folders: [kept, ...below] }
  await mount(layer)
  return layer
}

/** Everything since is lost. The machine is off then. */
export async function goBack(layer: Layer): Promise<void> {
  await layer.machine.kill()
  await local(['umount', layer.machine.root])
  await mount(layer)
}

async function mount({ machine, folders }: Layer): Promise<void> {
  const disk = dirname(machine.root)
  const [upper, work] = [join(disk, 'upper'), join(disk, 'work')]
  for (const folder of [upper, work]) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder)
  }
  const layers = `lowerdir=${folders.join(':')},upperdir=${upper},workdir=${work}`
  await local(['mount', '-t', 'overlay', '-o', layers, 'provision-lab', machine.root])
}

async function lowerOf({ root }: Machine): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '))
  const options = mounts.findLast(([, where]) => where === root)?.[3] ?? ''
  return /lowerdir=([^,]*)/.exec(options)?.[1]?.split(':') ?? []
}
