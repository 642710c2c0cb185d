import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { detect, formatOf } from '../../../src/image/formats/detect.ts'
import { openCard } from '../../../src/image/medium/open.ts'
import { fresh, type Texts, temporary, withWifi } from '../kit.ts'

function folderWith(files: Texts): string {
  const folder = temporary()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

const contents = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))

describe('a mounted boot partition', () => {
  test('gets its seed, and nothing else changes', async () => {
    const boot = folderWith(fresh['cloud-init'])
    mkdirSync(join(boot, 'overlays'))
    const card = await openCard({ boot })
    expect(card.boot.names).toContain('overlays/')
    const files = detect(card.boot).format.files(withWifi, card.boot)
    await card.check(files)
    expect(await card.write(files)).toEqual(['provision-seed.sh', 'user-data', 'meta-data', 'network-config'])
    expect(await card.write(files)).toEqual([])
    const seeded = Object.fromEntries(files.map(({ name, content }) => [name, content]))
    expect(readdirSync(boot).sort()).toEqual(
      [...new Set([...card.boot.names.map((name) => name.replace('/', '')), ...Object.keys(seeded)])].sort(),
    )
    for (const [name, content] of Object.entries({ ...fresh['cloud-init'], ...seeded }))
      expect(readFileSync(join(boot, name), 'utf8')).toBe(content)
  })

  test('is as it was where writing fails in the midst of it', async () => {
    const boot = folderWith(fresh['cloud-init'])
    const card = await openCard({ boot })
    const before = contents(boot)
    // The third cannot be put in its place, when two are there already.
    mkdirSync(join(boot, 'meta-data.d'))
    const files = [
      { name: 'user-data', content: '#cloud-config\n' },
      { name: 'provision-seed.sh', content: 'new\n' },
      { name: 'meta-data.d', content: 'a folder is in the way\n' },
    ]
    await expect(card.write(files)).rejects.toThrow()
    expect(readdirSync(join(boot, 'meta-data.d'))).toEqual([])
    const { ...after } = Object.fromEntries(
      readdirSync(boot)
        .filter((name) => name !== 'meta-data.d')
        .map((name) => [name, readFileSync(join(boot, name), 'utf8')]),
    )
    expect(after).toEqual(before)
  })

  test.runIf(process.getuid?.() !== 0)('that may not be written to is refused before anything', async () => {
    const boot = folderWith(fresh.firstrun)
    chmodSync(boot, 0o500)
    const card = await openCard({ boot })
    await expect(card.check([{ name: 'x', content: 'x' }])).rejects.toThrow('it cannot be written to (EACCES)')
  })
})

describe('a folder for the files alone', () => {
  test('is made, for its owner alone', async () => {
    const output = join(temporary(), 'seeds/host-a')
    const card = await openCard({ output })
    await card.write(formatOf('cloud-init').files(withWifi, card.boot))
    expect(readdirSync(output).sort()).toEqual(['meta-data', 'network-config', 'provision-seed.sh', 'user-data'])
    expect(contents(output)['user-data']).toContain('provision-seed.sh')
  })

  test('keeps what is there already, but for the kernel command line that it adds to', async () => {
    const output = folderWith({ 'cmdline.txt': 'quiet\n', 'firstrun.sh': '#!/bin/sh\nmine\n' })
    const card = await openCard({ output })
    const files = formatOf('firstrun').files(withWifi, card.boot)
    await expect(card.check(files)).rejects.toThrow('firstrun.sh already exists')
    await expect(card.write(files)).rejects.toThrow('firstrun.sh already exists')
    expect(contents(output)).toEqual({ 'cmdline.txt': 'quiet\n', 'firstrun.sh': '#!/bin/sh\nmine\n' })
    const other = folderWith({ 'cmdline.txt': 'quiet\n' })
    const empty = await openCard({ output: other })
    await empty.write(formatOf('firstrun').files(withWifi, empty.boot))
    expect(contents(other)['cmdline.txt']).toMatch(/^quiet systemd\.run=/)
  })
})

test('exactly one place is named, and it is one', async () => {
  const folder = folderWith({ file: '' })
  symlinkSync('nowhere', join(folder, 'link'))
  expect(() => openCard({})).toThrow('expected a place to write the seed to')
  expect(() => openCard({ boot: folder, image: 'x' })).toThrow('the seed can be written to one place only')
  await expect(openCard({ boot: join(folder, 'file') })).rejects.toThrow('is not a folder')
  await expect(openCard({ boot: join(folder, 'link') })).rejects.toThrow('is not a folder')
  await expect(openCard({ output: join(folder, 'file') })).rejects.toThrow('cannot be created: EEXIST')
})
