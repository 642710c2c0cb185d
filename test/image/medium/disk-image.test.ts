import { chmodSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProvisionError } from '../../../src/errors.ts'
import { detect } from '../../../src/image/formats/detect.ts'
import type { BootFile } from '../../../src/image/medium/boot-files.ts'
import { openImage } from '../../../src/image/medium/disk-image.ts'
import { bootStart, fresh, hash, makeImage, run, temporary, withWifi } from '../kit.ts'

const at = (image: string) => `${image}@@${bootStart}`

async function write(image: string, files: readonly BootFile[]): Promise<readonly string[]> {
  const card = await openImage(image)
  try {
    return await card.write(files)
  } finally {
    await card.close()
  }
}

const refusal = async (image: string, files: readonly BootFile[] = [{ name: 'seed.sh', content: 'x' }]) => {
  try {
    await write(image, files)
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error
    return error.message.replace(image, 'card.img')
  }
  return 'none'
}

/** The file system alone, and what fsck and mtools make of it. */
function partition(image: string): Buffer {
  const bytes = readFileSync(image).subarray(bootStart, bootStart + (40 << 20))
  const file = join(temporary(), 'bootfs.img')
  writeFileSync(file, bytes)
  run('fsck.vfat', ['-n', file])
  return bytes
}

describe('an image of a card', () => {
  const kinds = (['dos', 'gpt'] as const).flatMap((table) => ([16, 32] as const).map((fat) => ({ table, fat })))

  test.each(kinds)('gets its seed with a table of $table and a FAT$fat', async (kind) => {
    const image = makeImage({ ...kind, files: fresh['cloud-init'] })
    const card = await openImage(image)
    expect(card.what).toBe(`partition 1 of ${image}`)
    const { format } = detect(card.boot)
    const files = format.files(withWifi, card.boot)
    const written = await card.write(files)
    expect(written).toEqual(['provision-seed.sh', 'user-data', 'meta-data', 'network-config'])
    await card.close()
    for (const { name, content } of files) expect(run('mtype', ['-i', at(image), `::${name}`]).toString()).toBe(content)
    expect(run('mtype', ['-i', at(image), '::config.txt']).toString()).toBe(fresh['cloud-init']['config.txt'])
    partition(image)
    expect(await write(image, files)).toEqual([])
  })

  test('changes nothing but the files written, their names, and the table of the clusters', async () => {
    const size = fc.oneof(fc.constantFrom(0, 1, 511, 512, 513, 4096), fc.nat(40_000))
    const name = fc.constantFrom('user-data', 'cmdline.txt', 'provision-seed.sh', 'A Long Name With Spaces.text', 'x.y')
    const files = fc.uniqueArray(fc.record({ name, size }), {
      selector: ({ name }) => name,
      minLength: 1,
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(files, fc.constantFrom(...kinds), async (wanted, kind) => {
        const image = makeImage({ ...kind, files: { ...fresh.firstrun, 'kernel8.img': 'k'.repeat(70_000) } })
        const before = readFileSync(image)
        await write(
          image,
          wanted.map(({ name, size }) => ({ name, content: 'z'.repeat(size) })),
        )
        const after = readFileSync(image)
        partition(image)
        // What the file system itself says of where things lie.
        const boot = before.subarray(bootStart)
        const [reserved, fats, entries] = [boot.readUInt16LE(14), boot[16] ?? 0, boot.readUInt16LE(17)]
        const perFat = boot.readUInt16LE(22) || boot.readUInt32LE(36)
        const cluster = (boot[13] ?? 0) * 512
        const data = (reserved + fats * perFat) * 512 + entries * 32
        const chains = run('mshowfat', ['-i', at(image), ...wanted.map(({ name }) => `::${name}`)]).toString()
        const own = [...chains.matchAll(/<(\d+)(?:-(\d+))?>/g)].flatMap(([, first, last]) =>
          Array.from({ length: Number(last ?? first) - Number(first) + 1 }, (_, index) => Number(first) + index),
        )
        const root = boot.readUInt32LE(44)
        const allowed = (offset: number) => {
          const inside = offset - bootStart
          if (inside < 0 || inside >= 40 << 20) return false
          if (inside < data) return inside >= 512
          const number = 2 + Math.floor((inside - data) / cluster)
          return own.includes(number) || (kind.fat === 32 && number === root)
        }
        const strange: number[] = []
        for (let sector = 0; sector < before.length; sector += 512) {
          const same = after.subarray(sector, sector + 512).equals(before.subarray(sector, sector + 512))
          if (!same && !allowed(sector)) strange.push(sector)
        }
        expect(strange).toEqual([])
        for (const [name, content] of Object.entries({ ...fresh.firstrun, 'kernel8.img': 'k'.repeat(70_000) })) {
          if (wanted.some((one) => one.name === name)) continue
          expect(run('mtype', ['-i', at(image), `::${name}`]).toString()).toBe(content)
        }
      }),
      { numRuns: 6 },
    )
  })
})

describe('a wrong image is refused by name, and is as it was', () => {
  const full = () => {
    const image = makeImage({ fat: 16, files: fresh['cloud-init'] })
    const left = /([\d ]+) bytes free/.exec(run('mdir', ['-i', at(image), '::']).toString())?.[1] ?? ''
    run('mcopy', ['-i', at(image), '-', '::FILL.BIN'], Buffer.alloc(Number(left.replaceAll(/\D/g, '')) - 4096))
    return image
  }
  const patched = (image: string, offset: number, bytes: Buffer) => {
    const file = openSync(image, 'r+')
    writeSync(file, bytes, 0, bytes.length, offset)
    return image
  }
  const plain = (bytes: Buffer) => {
    const image = join(temporary(), 'card.img')
    writeFileSync(image, bytes)
    return image
  }

  test.each<[string, () => string, string]>([
    ['full', full, 'the boot partition has too little space for seed.sh'],
    [
      'truncated in its boot partition',
      () => {
        const image = makeImage({ files: fresh.firstrun })
        truncateSync(image, 20 << 20)
        return image
      },
      'card.img: it ends after 20971520 bytes, inside partition 1, which ends at 50331648',
    ],
    [
      'truncated behind it',
      () => {
        const image = makeImage({ files: fresh.firstrun })
        truncateSync(image, 50 << 20)
        return image
      },
      'card.img: it ends after 52428800 bytes, inside partition 2, which ends at 58720256',
    ],
    [
      'without a boot partition',
      () => makeImage({ files: { 'holiday.txt': 'sun\n' } }),
      'card.img: it has no boot partition of a Pi: its partitions are 1 (FAT with holiday.txt in it, 40 MiB), 2 (not FAT, 8 MiB)',
    ],
    [
      'a GPT with none',
      () => makeImage({ table: 'gpt', files: fresh.firstrun, type: '0FC63DAF-8483-4772-8E79-3D69D8477DE4' }),
      'card.img: it has no boot partition of a Pi: its partitions are 1 (not FAT, 40 MiB), 2 (not FAT, 8 MiB)',
    ],
    [
      'a GPT with a damaged header',
      () => patched(makeImage({ table: 'gpt', files: fresh.firstrun }), 512 + 40, Buffer.from([9])),
      'card.img: it holds a GPT whose header is damaged',
    ],
    [
      'a GPT with a damaged table',
      () => patched(makeImage({ table: 'gpt', files: fresh.firstrun }), 1024 + 40, Buffer.from([9])),
      'card.img: it holds a GPT whose table is damaged',
    ],
    [
      'with a boot sector that is none',
      () => patched(makeImage({ files: fresh.firstrun }), bootStart, Buffer.alloc(512)),
      'card.img: it has no boot partition of a Pi: its partitions are 1 (of type FAT, without a file system, 40 MiB), 2 (not FAT, 8 MiB)',
    ],
    [
      'packed',
      () => plain(Buffer.concat([Buffer.from('fd377a585a000004', 'hex'), Buffer.alloc(4096)])),
      'card.img: it is compressed with xz',
    ],
    ...(
      [
        ['gzip', ['gzip', '-c'], 'gzip'],
        ['xz', ['xz', '-c'], 'xz'],
        ['bzip2', ['bzip2', '-c'], 'bzip2'],
        ['zstd', ['zstd', '-c'], 'zstd'],
        ['zip', ['zip', '-q', '-', '-'], 'zip'],
      ] as const
    ).map(([by, [command, ...words], told]): [string, () => string, string] => [
      `packed by ${by}`,
      // Shorter than any table, as a card of zeros is.
      () => plain(run(command, words, Buffer.alloc(1 << 20))),
      `card.img: it is compressed with ${told}`,
    ]),
    ['empty', () => plain(Buffer.alloc(0)), 'card.img: it is too short to hold a partition table'],
    ['something else', () => plain(Buffer.alloc(1 << 20, 'photo')), 'card.img: it holds no partition table'],
    [
      'one partition alone',
      () => {
        const image = makeImage({ files: fresh.firstrun })
        return plain(readFileSync(image).subarray(bootStart, bootStart + (40 << 20)))
      },
      'card.img: it is a file system, not the image of a card: it holds no partition table',
    ],
  ])('%s', async (_, make, message) => {
    const image = make()
    const before = hash(image)
    expect(await refusal(image, [{ name: 'seed.sh', content: 'x'.repeat(20_000) }])).toBe(message)
    expect(hash(image)).toBe(before)
  })

  test('with a boot folder that has no entry left', async () => {
    const image = makeImage({ fat: 16, files: fresh.firstrun })
    const names = Array.from({ length: 512 }, (_, index) => `N${index}`)
    const folder = temporary()
    for (const name of names) writeFileSync(join(folder, name), '')
    run('sh', ['-c', `mcopy -i ${at(image)} ${folder}/N* :: 2>/dev/null || :`])
    const before = hash(image)
    expect(await refusal(image)).toBe('the boot partition has too little space for seed.sh')
    expect(hash(image)).toBe(before)
  })

  test('no file at all, a folder, and one that may not be written to', async () => {
    const folder = temporary()
    expect(await refusal(join(folder, 'none.img'))).toBe('card.img: there is no such file')
    mkdirSync(join(folder, 'folder.img'))
    expect(await refusal(join(folder, 'folder.img'))).toBe('card.img is a folder')
    expect(await refusal('/dev/null')).toBe('card.img is not a file')
    if (process.getuid?.() === 0) return
    const image = makeImage({ files: fresh.firstrun })
    chmodSync(image, 0o400)
    expect(await refusal(image)).toBe('card.img cannot be written to (EACCES)')
  })

  test('a text that is none', async () => {
    const image = makeImage({ files: fresh.firstrun })
    run('mcopy', ['-o', '-i', at(image), '-', '::issue.txt'], Buffer.from([0xff, 0xfe, 0x00]))
    const card = await openImage(image)
    expect(() => detect(card.boot)).toThrow('its issue.txt is not UTF-8 text')
    await card.close()
  })
})

test('what a file holds that is there already can be read in any case of its name', async () => {
  const image = makeImage({ files: { 'CMDLINE.TXT': 'quiet\n' } })
  const card = await openImage(image)
  expect(card.boot.text('cmdline.txt')).toBe('quiet\n')
  await card.close()
})
