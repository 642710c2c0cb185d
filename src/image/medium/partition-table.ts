import { crc32 } from 'node:zlib'
import { ProvisionError } from '../../errors.ts'

/** Where bytes are read from: an image, or one partition of it. */
export interface Disk {
  readonly size: number
  /** @throws where any of it lies behind the end. */
  read(offset: number, length: number): Buffer
}

/** Start and size in bytes; the number counts from 1, as in the names of Linux' devices. */
export interface Partition {
  readonly number: number
  readonly start: number
  readonly size: number
  /** May hold a FAT file system, going by its type. */
  readonly fat: boolean
}

const SECTOR = 512
const FAT_TYPES = new Set([0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e, 0xef])
/** Linux' names for what a GPT may call the partition of a firmware: EFI System, and Microsoft Basic Data. */
const FAT_GUIDS = new Set(['28732ac11ff8d211ba4b00a0c93ec93b', 'a2a0d0ebe5b9334487c068b6b72699c7'])

/**
 * The partitions of an MBR (primary ones: the Pi's boot loader reads no others) or a GPT.
 * @throws ProvisionError where there is no table, or not all of the image.
 */
export function readPartitions(disk: Disk): readonly Partition[] {
  const packed = packedBy(disk.read(0, Math.min(disk.size, SECTOR)))
  if (packed) throw new ProvisionError(`it is compressed with ${packed.by}`, `unpack it first: ${packed.unpack} FILE`)
  if (disk.size < SECTOR * 2) throw new ProvisionError('it is too short to hold a partition table', again)
  const first = disk.read(0, SECTOR)
  if (first.readUInt16LE(510) !== 0xaa55) throw new ProvisionError('it holds no partition table', whole)
  if (/^FAT(12|16|32) /.test(first.toString('latin1', 54, 62)) || first.toString('latin1', 82, 87) === 'FAT32')
    throw new ProvisionError('it is a file system, not the image of a card: it holds no partition table', whole)
  const entries = [0, 1, 2, 3].map((index) => first.subarray(446 + index * 16, 462 + index * 16))
  const partitions = entries.some((entry) => entry[4] === 0xee) ? gpt(disk) : mbr(entries)
  const cut = partitions.find(({ start, size }) => start + size > disk.size)
  if (cut) {
    throw new ProvisionError(
      `it ends after ${disk.size} bytes, inside partition ${cut.number}, which ends at ${cut.start + cut.size}`,
      again,
    )
  }
  return partitions
}

const whole = 'name the image of a whole card, as it is flashed'
const again = 'it was not copied or unpacked completely: download it again, and compare its checksum'

/** What images are packed by, going by how such a file begins. */
const packers = [
  { magic: 'fd377a585a00', by: 'xz', unpack: 'xz -dk' },
  { magic: '1f8b', by: 'gzip', unpack: 'gzip -dk' },
  { magic: '28b52ffd', by: 'zstd', unpack: 'zstd -dk' },
  { magic: '425a68', by: 'bzip2', unpack: 'bzip2 -dk' },
  { magic: '504b0304', by: 'zip', unpack: 'unzip' },
  { magic: '377abcaf271c', by: '7-Zip', unpack: '7z x' },
]

function packedBy(first: Buffer): (typeof packers)[number] | undefined {
  return packers.find(({ magic }) => first.toString('hex').startsWith(magic))
}

function mbr(entries: readonly Buffer[]): Partition[] {
  return entries.flatMap((entry, index) => {
    const [type = 0, size] = [entry[4], entry.readUInt32LE(12)]
    if (type === 0 || size === 0) return []
    const start = entry.readUInt32LE(8)
    return [{ number: index + 1, start: start * SECTOR, size: size * SECTOR, fat: FAT_TYPES.has(type) }]
  })
}

function gpt(disk: Disk): Partition[] {
  const header = disk.read(SECTOR, SECTOR)
  const length = header.readUInt32LE(12)
  const sum = header.readUInt32LE(16)
  const plain = Buffer.from(header.subarray(0, Math.min(length, SECTOR)))
  if (plain.length >= 92) plain.writeUInt32LE(0, 16)
  if (header.toString('latin1', 0, 8) !== 'EFI PART' || plain.length < 92 || crc32(plain) !== sum)
    throw new ProvisionError('it holds a GPT whose header is damaged', again)
  const [first, count, size] = [header.readBigUInt64LE(72), header.readUInt32LE(80), header.readUInt32LE(84)]
  const start = Number(first) * SECTOR
  if (size < 128 || size % 8 || count > 1024 || start + count * size > disk.size)
    throw new ProvisionError('it holds a GPT with invalid values', again)
  const table = disk.read(start, count * size)
  if (crc32(table) !== header.readUInt32LE(88)) throw new ProvisionError('it holds a GPT whose table is damaged', again)
  return Array.from({ length: count }, (_, index) => table.subarray(index * size, (index + 1) * size)).flatMap(
    (entry, index) => {
      const type = entry.toString('hex', 0, 16)
      if (/^0+$/.test(type)) return []
      const [from, to] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))]
      return [{ number: index + 1, start: from * SECTOR, size: (to - from + 1) * SECTOR, fat: FAT_GUIDS.has(type) }]
    },
  )
}
