import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cardBase } from '../../../src/lab/base.ts'
import { cardProgram } from '../../../src/lab/card.ts'
import { local } from '../../../src/lab/local.ts'
import { fresh } from '../../image/kit.ts'

export type Architecture = 'amd64' | 'arm64'
export const ownArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

const cache = '/var/cache/provision-lab'
const here = import.meta.dirname
const kernel = join(here, 'kernel.sh')
const image = join(here, 'image.sh')
const initramfs = join(here, 'initramfs.sh')

/** As mtools name the boot partition of a card. */
export const bootAt = (path: string) => `${path}@@8M`

/**
 * The image of a card as it is flashed: Raspberry Pi OS as Debian's packages can stand in for it, see card.ts in the lab. Made
 * once, and copied.
 * @param tree the root file system to put on it; absent: the one of the lab's own cards
 */
export async function flash(path: string, architecture: Architecture, tree?: string): Promise<void> {
  const root = tree ?? (await cardBase('trixie'))
  const boot = await bootFiles(architecture)
  const made = join(cache, `card-${architecture}-${await sum([image], cardProgram, root, boot)}.img`)
  const program = `${path}.sh`
  await writeFile(program, cardProgram)
  await once(made, ['unshare', '-m', 'sh', image, made, root, boot, program])
  await local(['cp', '--sparse=always', made, path])
}

/** A folder with everything that is on a boot partition when it was just flashed. */
async function bootFiles(architecture: Architecture): Promise<string> {
  const texts: Readonly<Record<string, string>> = {
    ...fresh['cloud-init'],
    'cmdline.txt': 'console=tty1 root=PARTUUID=0-02 rootfstype=ext4 fsck.repair=yes rootwait quiet resize\n',
  }
  const folder = join(cache, `card-boot-${architecture}-${await sum([kernel, initramfs], JSON.stringify(texts))}`)
  await once(folder, ['sh', kernel, folder, architecture, initramfs])
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text)
  return folder
}

async function sum(files: readonly string[], ...words: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(await readFile(file))
  for (const word of words) hash.update(word)
  return hash.digest('hex').slice(0, 8)
}

/** One maker at a time; nothing half-made has this name. */
async function once(path: string, make: readonly string[]): Promise<void> {
  if (existsSync(path)) return
  await local(['flock', `${path}.lock`, 'sh', '-c', '[ -e "$0" ] || exec "$@"', path, ...make])
}

/** All bytes of the boot partition, also those that belong to no file. */
export async function bootPartition(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    return (await file.read(Buffer.alloc(96 << 20), 0, 96 << 20, 8 << 20)).buffer
  } finally {
    await file.close()
  }
}
