import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { build, root } from '../../dist.ts'

// How quickly it starts is measured by `npm run bench -- start`; what decides it is counted here.

beforeAll(build)

/** The files of ours that these words have loaded: Node itself says so, for its coverage. */
function loadedBy(words: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'provision-loaded-'))
  const { status } = spawnSync(process.execPath, [join(root, 'bin/provision.js'), ...words], {
    cwd: root,
    env: { PATH: process.env.PATH, NODE_V8_COVERAGE: folder },
  })
  const urls = readdirSync(folder).flatMap((name) =>
    JSON.parse(readFileSync(join(folder, name), 'utf8')).result.map(({ url }: { url: string }) => url),
  )
  rmSync(folder, { recursive: true })
  const files = urls.filter((url: string) => url.startsWith('file:')).map((url: string) => fileURLToPath(url))
  const bytes = files.reduce((sum: number, file: string) => sum + statSync(file).size, 0)
  const isParser = (file: string) => readFileSync(file, 'utf8').includes('node_modules/yargs')
  return { status, files: files.length, kilobytes: Math.round(bytes / 1000), parser: files.some(isParser) }
}

test.each([
  [['--version'], { files: 1, kilobytes: 2 }],
  [['-V'], { files: 1, kilobytes: 2 }],
  [['--help'], { files: 9, kilobytes: 40 }],
  [['help', 'apply'], { files: 9, kilobytes: 40 }],
  [['verify', '--help'], { files: 9, kilobytes: 40 }],
  [['complete', 'bash', ''], { files: 12, kilobytes: 50 }],
  [['complete', 'bash', 'doctor', 'inventory/examples/guest-lan.json', ''], { files: 20, kilobytes: 120 }],
] as const)('%j loads little, and nothing that reads options', (words, most) => {
  const { status, files, kilobytes, parser } = loadedBy(words)
  expect([status, parser]).toEqual([0, false])
  expect(files, `${files} files`).toBeLessThanOrEqual(most.files)
  expect(kilobytes, `${kilobytes} kB`).toBeLessThanOrEqual(most.kilobytes)
})

test('a command loads no other command', () => {
  const folder = join(root, 'dist')
  const others = readdirSync(folder).filter((name) => /^(lab|image|drill|trust)-/.test(name))
  expect(others.length).toBeGreaterThanOrEqual(4)
  // `schema` prints a file, and needs no more than the reader of options.
  expect(loadedBy(['schema'])).toMatchObject({ status: 0, parser: true })
  expect(loadedBy(['schema']).files).toBeLessThanOrEqual(14)
})
