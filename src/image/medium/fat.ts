import * as FatFs from 'js-fatfs'
import { ProvisionError } from '../../errors.ts'
import type { Draft } from './overlay.ts'

/** The root folder of a FAT file system. */
export interface Fat {
  /** Files and folders; a folder ends in a slash. */
  names(): readonly string[]
  /** undefined: there is no such file. With `most`, so many bytes of it at most; else all of it, which is a text. */
  read(name: string, most?: number): Buffer | undefined
  /**
   * Writes or replaces a file, in the draft.
   * @throws ProvisionError where it has no room for it.
   */
  write(name: string, content: Uint8Array): void
}

const SECTOR = 512

/**
 * ChaN's FatFs on a draft of one partition.
 * @returns undefined where it holds no FAT file system.
 * @throws ProvisionError, from here or from any call, where the file system is damaged.
 */
export async function openFat(disk: Draft): Promise<Fat | undefined> {
  const fatfs = await FatFs.create({ diskio: diskIo(disk) })
  const volume = fatfs.malloc(FatFs.sizeof_FATFS)
  const mounted = fatfs.f_mount(volume, '', 1)
  if (mounted === FatFs.FR_NO_FILESYSTEM) return undefined
  check(mounted)
  return {
    names: () => list(fatfs),
    read(name, most) {
      const file = fatfs.malloc(FatFs.sizeof_FIL)
      const opened = fatfs.f_open(file, `/${name}`, FatFs.FA_READ)
      if (opened === FatFs.FR_NO_FILE || opened === FatFs.FR_DENIED) return undefined
      check(opened)
      const size = Math.min(fatfs.f_size(file), most ?? Number.POSITIVE_INFINITY)
      if (size > LARGEST)
        throw new ProvisionError(`${name} is too long for a text file of a boot partition: ${size} bytes`)
      const [room, count] = [fatfs.malloc(size + 1), fatfs.malloc(4)]
      check(fatfs.f_read(file, room, size, count))
      const bytes = Buffer.from(fatfs.HEAPU8.subarray(room, room + fatfs.getValue(count, 'i32')))
      check(fatfs.f_close(file))
      for (const pointer of [file, room, count]) fatfs.free(pointer)
      if (bytes.length !== size) throw damaged()
      return bytes
    },
    write(name, content) {
      const file = fatfs.malloc(FatFs.sizeof_FIL)
      check(fatfs.f_open(file, `/${name}`, FatFs.FA_WRITE | FatFs.FA_CREATE_ALWAYS), name)
      const [room, count] = [fatfs.malloc(content.length + 1), fatfs.malloc(4)]
      fatfs.HEAPU8.set(content, room)
      check(fatfs.f_write(file, room, content.length, count), name)
      const written = fatfs.getValue(count, 'i32')
      check(fatfs.f_close(file), name)
      for (const pointer of [file, room, count]) fatfs.free(pointer)
      if (written !== content.length) throw full(name)
    },
  }
}

const LARGEST = 1 << 20

function list(fatfs: FatFs.FatFs): string[] {
  const [folder, entry] = [fatfs.malloc(FatFs.sizeof_DIR), fatfs.malloc(FatFs.sizeof_FILINFO)]
  check(fatfs.f_opendir(folder, '/'))
  const names: string[] = []
  for (;;) {
    check(fatfs.f_readdir(folder, entry))
    const name = fatfs.FILINFO_fname(entry)
    if (name === '') break
    names.push(fatfs.FILINFO_fattrib(entry) & FatFs.AM_DIR ? `${name}/` : name)
  }
  check(fatfs.f_closedir(folder))
  for (const pointer of [folder, entry]) fatfs.free(pointer)
  return names.sort()
}

function diskIo(disk: Draft): FatFs.DiskIO {
  const tried = (work: () => void) => {
    try {
      work()
      return FatFs.RES_OK
    } catch {
      return FatFs.RES_ERROR
    }
  }
  return {
    initialize: () => 0,
    status: () => 0,
    read: (fatfs, _, buffer, sector, count) =>
      tried(() => fatfs.HEAPU8.set(disk.read(sector * SECTOR, count * SECTOR), buffer)),
    write: (fatfs, _, buffer, sector, count) =>
      tried(() => disk.write(sector * SECTOR, fatfs.HEAPU8.subarray(buffer, buffer + count * SECTOR))),
    ioctl(fatfs, _, command, buffer) {
      if (command === FatFs.GET_SECTOR_COUNT) fatfs.setValue(buffer, disk.size / SECTOR, 'i32')
      else if (command === FatFs.GET_SECTOR_SIZE) fatfs.setValue(buffer, SECTOR, 'i16')
      else if (command === FatFs.GET_BLOCK_SIZE) fatfs.setValue(buffer, 1, 'i32')
      else if (command !== FatFs.CTRL_SYNC && command !== FatFs.CTRL_TRIM) return FatFs.RES_PARERR
      return FatFs.RES_OK
    },
  }
}

/** FatFs says of a root folder without a free entry, and of a disk without a free cluster, that it is denied. */
function check(result: number, writing?: string): void {
  if (result === FatFs.FR_OK) return
  if (writing !== undefined && result === FatFs.FR_DENIED) throw full(writing)
  throw damaged()
}

function full(name: string): ProvisionError {
  return new ProvisionError(
    `the boot partition has too little space for ${name}`,
    'remove what does not belong there, or flash the card again',
  )
}

function damaged(): ProvisionError {
  return new ProvisionError('the FAT file system of the boot partition is damaged', 'flash the card again')
}
