import type { Disk } from './partition-table.ts'

/** Bytes at one place of a disk, before and after. */
export interface FileChange {
  readonly offset: number
  readonly before: Buffer
  readonly after: Buffer
}

/** A disk that may be written to, and does not change: what would change is kept beside it. */
export interface Draft extends Disk {
  write(offset: number, bytes: Uint8Array): void
  /** Only what differs, from the front of the disk to its end. */
  changes(): readonly FileChange[]
}

const SECTOR = 512

/** Whole sectors only, as a file system writes them. */
export function draft(disk: Disk): Draft {
  const written = new Map<number, Buffer>()
  return {
    size: disk.size,
    read(offset, length) {
      const bytes = Buffer.from(disk.read(offset, length))
      for (let at = 0; at < length; at += SECTOR) written.get((offset + at) / SECTOR)?.copy(bytes, at)
      return bytes
    },
    write(offset, bytes) {
      if (offset < 0 || offset + bytes.length > disk.size) throw new RangeError('behind the end of the disk')
      for (let at = 0; at < bytes.length; at += SECTOR) {
        written.set((offset + at) / SECTOR, Buffer.from(bytes.subarray(at, at + SECTOR)))
      }
    },
    changes: () =>
      [...written]
        .sort(([one], [other]) => one - other)
        .map(([sector, after]) => {
          const offset = sector * SECTOR
          return { offset, before: disk.read(offset, SECTOR), after }
        })
        .filter(({ before, after }) => !before.equals(after)),
  }
}

/** A part of a disk as a disk of its own. */
export function part(disk: Disk, { start, size }: { readonly start: number; readonly size: number }): Disk {
  return {
    size,
    read(offset, length) {
      if (offset < 0 || offset + length > size) throw new RangeError('behind the end of the partition')
      return disk.read(start + offset, length)
    },
  }
}
