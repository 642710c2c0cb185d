import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cloudInitBase } from '../../../src/lab/base.ts'
import { local } from '../../../src/lab/local.ts'
import { fresh } from '../../image/kit.ts'

export type Architecture = 'amd64' | 'arm64'
export const ownArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

const cache = '/var/cache/provision-lab'
const here = import.meta.dirname
const kernel = join(here, 'kernel.sh')
const image = join(here, 'image.sh')
const card = join(here, '../../../src/lab/card.sh')

/** As mtools name the boot partition of a card. */
export const bootAt = (path: string) => `${path}@@8M`

/**
 * The image of a card as it is flashed: Raspberry Pi OS as Debian's packages can stand in for it, see card.sh in the lab. Made
 * once, and copied.
 * @param tree the root file system to put on it; absent: the one of the lab's own cards
 */
export async function flash(path: string, architecture: Architecture, tree?: string): Promise<void> {
  const root = tree ?? (await cloudInitBase())
  const boot = await bootFiles(architecture)
  const made = join(cache, `card-${architecture}-${await sum([card, image], root, boot)}.img`)
  await once(made, ['unshare', '-m', 'sh', image, made, root, boot, card])
  await local(['cp', '--sparse=always', made, path])
}

/** A folder with everything that is on a boot partition when it was just flashed. */
async function bootFiles(architecture: Architecture): Promise<string> {
  const texts: Readonly<Record<string, string>> = {
    ...fresh['cloud-init'],
    'cmdline.txt': 'console=tty1 root=/dev/vda2 rootfstype=ext4 fsck.repair=yes rootwait quiet\n',
  }
  const folder = join(cache, `card-boot-${architecture}-${await sum([kernel], JSON.stringify(texts))}`)
  await once(folder, ['sh', kernel, folder, architecture])
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
    return (await file.read(Buffer.alloc(64 << 20), 0, 64 << 20, 8 << 20)).buffer
  } finally {
    await file.close()
  }
}
