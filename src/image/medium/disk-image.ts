import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { InventoryError, ProvisionError } from '../../errors.ts'
import { isBoot } from '../formats/detect.ts'
import type { BootFile, BootFiles } from './boot-files.ts'
import { asText } from './boot-partition.ts'
import { type Fat, openFat } from './fat.ts'
import { about, type Medium } from './medium.ts'
import { type Draft, draft, type FileChange, part } from './overlay.ts'
import { type Disk, type Partition, readPartitions } from './partition-table.ts'

/** The image of a whole card, as a file. Nothing is mounted, and root is not needed. */
export async function openImage(path: string): Promise<Medium> {
  const file = opened(path)
  try {
    const disk = diskOf(file, fstatSync(file).size)
    const { partition, fat } = await about(path, () => bootPartition(disk))
    return {
      what: `partition ${partition.number} of ${path}`,
      boot: bootFiles(fat),
      check: async (files) => void (await planAll(draft(part(disk, partition)), files)),
      write: (files) => write({ file, disk, partition }, files),
      close: async () => closeSync(file),
    }
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** The boot partition of an image, to look at: nothing is written. */
export interface BootImage {
  /** Where it begins, in bytes. */
  readonly start: number
  readonly names: readonly string[]
  /** How its kernel begins, if it has one of 64 bits. */
  readonly kernel: Buffer | undefined
}

export async function readImage(path: string): Promise<BootImage> {
  const file = opened(path)
  try {
    const { partition, fat } = await about(path, () => bootPartition(diskOf(file, fstatSync(file).size)))
    const kernel = fat.read('kernel8.img', 1024) ?? fat.read('vmlinuz', 1024)
    return { start: partition.start, names: bootFiles(fat).names, kernel }
  } finally {
    closeSync(file)
  }
}

interface Place {
  readonly file: number
  readonly disk: Disk
  readonly partition: Partition
}

function opened(path: string): number {
  try {
    const file = openSync(path, 'r+')
    if (fstatSync(file).isFile()) return file
    closeSync(file)
    throw new InventoryError(`${path} is not a file`, 'to write to a card, name its mounted boot partition with --boot')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    if (code === 'EISDIR') throw new InventoryError(`${path} is a folder`, 'name a mounted boot partition with --boot')
    throw new InventoryError(
      code === 'ENOENT' ? `${path}: there is no such file` : `${path} cannot be written to (${code})`,
      code === 'ENOENT' ? 'name the unpacked image of a card' : 'copy it to a folder where you may write',
    )
  }
}

function diskOf(file: number, size: number): Disk {
  return {
    size,
    read(offset, length) {
      const bytes = Buffer.alloc(length)
      if (readSync(file, bytes, 0, length, offset) !== length) throw new RangeError('behind the end of the image')
      return bytes
    },
  }
}

async function bootPartition(disk: Disk): Promise<{ readonly partition: Partition; readonly fat: Fat }> {
  const partitions = readPartitions(disk)
  const candidates = await Promise.all(
    partitions
      .filter((partition) => partition.fat)
      .map(async (partition) => ({ partition, fat: await openFat(draft(part(disk, partition))) })),
  )
  const fats = candidates.flatMap(({ partition, fat }) => (fat ? [{ partition, fat }] : []))
  const [only, ...others] = fats.filter(({ fat }) => isBoot(bootFiles(fat)))
  if (only !== undefined && others.length === 0) return only
  const numbers = [only, ...others].flatMap((one) => (one ? [one.partition.number] : [])).join(' and ')
  if (only !== undefined) throw new ProvisionError(`it has more than one boot partition: ${numbers}`, flashed)
  const told = partitions.map(({ number, fat, size }) => {
    const mounted = fats.find(({ partition }) => partition.number === number)
    const kind = mounted
      ? `FAT with ${mounted.fat.names().slice(0, 6).join(', ') || 'nothing'} in it`
      : fat
        ? 'of type FAT, without a file system'
        : 'not FAT'
    return `${number} (${kind}, ${Math.ceil(size / 2 ** 20)} MiB)`
  })
  throw new ProvisionError(
    `it has no boot partition of a Pi: its partitions are ${told.join(', ') || 'none at all'}`,
    flashed,
  )
}

const flashed = 'name the image of a whole card of Raspberry Pi OS or Ubuntu'

function bootFiles(fat: Fat): BootFiles {
  return {
    // FAT knows no case.
    names: fat.names().map((name) => name.toLowerCase()),
    text(name) {
      const bytes = fat.read(name)
      return bytes && asText(name, bytes)
    },
  }
}

/** All of it in a draft first: whatever can go wrong in the file system goes wrong there. */
async function write(place: Place, files: readonly BootFile[]): Promise<readonly string[]> {
  const planned = draft(part(place.disk, place.partition))
  const written = await planAll(planned, files)
  const changes = planned.changes()
  try {
    for (const { offset, after } of changes) put(place, offset, after)
    fsyncSync(place.file)
    await compare(place, changes, files)
  } catch (error) {
    putBack(place, changes)
    if (error instanceof ProvisionError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw new ProvisionError(`it could not be written (${code ?? message}), and is unchanged`, hintOf(code))
  }
  return written
}

function hintOf(code: string | undefined): string | undefined {
  return code === 'ENOSPC'
    ? 'free space on the disk that holds the image: the image is sparse and grows when it is written to'
    : undefined
}

async function planAll(planned: Draft, files: readonly BootFile[]): Promise<readonly string[]> {
  const fat = await openFat(planned)
  if (fat === undefined) throw new ProvisionError('the boot partition is gone')
  const wanted = files.filter(({ name, content }) => !fat.read(name)?.equals(Buffer.from(content)))
  for (const { name, content } of wanted) fat.write(name, Buffer.from(content))
  return wanted.map(({ name }) => name)
}

function put({ file, partition }: Place, offset: number, bytes: Buffer): void {
  if (writeSync(file, bytes, 0, bytes.length, partition.start + offset) !== bytes.length) throw new Error('cut short')
}

/** The sectors, and the files as a file system that begins anew finds them. */
async function compare({ disk, partition }: Place, changes: readonly FileChange[], files: readonly BootFile[]) {
  const now = part(disk, partition)
  const fat = await openFat(draft(now))
  const other =
    changes.find(({ offset, after }) => !now.read(offset, after.length).equals(after)) ??
    files.find(({ name, content }) => !fat?.read(name)?.equals(Buffer.from(content)))
  if (other) throw new ProvisionError('it differs from what was written to it, and was restored')
}

function putBack(place: Place, changes: readonly FileChange[]): void {
  try {
    // Where nothing came to be written, nothing is to be either: there may be no room for it.
    const now = part(place.disk, place.partition)
    for (const { offset, before } of changes)
      if (!now.read(offset, before.length).equals(before)) put(place, offset, before)
    fsyncSync(place.file)
  } catch {
    throw new ProvisionError('writing failed halfway, and the image is now damaged', 'unpack the image again')
  }
}
