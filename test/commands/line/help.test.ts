import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { commands, groups } from '../../../src/commands/index.ts'
import { loadedCatalog } from '../../../src/commands/line/catalog.ts'
import { help, helpOf } from '../../../src/commands/line/help.ts'
import type { Shape } from '../../../src/commands/line/shape.ts'
import { valueFor } from '../../../src/commands/line/values.ts'

const root = resolve(import.meta.dirname, '../../..')
const tops = await loadedCatalog()
const all = (some: readonly Shape[]): Shape[] => some.flatMap((shape) => [shape, ...all(shape.commands)])
const shapes = all(tops)

test('the overview, and the help of a command, on a wide and on a narrow terminal', async () => {
  await expect(await help([], 80)).toMatchFileSnapshot('../../golden/help/overview-80')
  await expect(await help([], 40)).toMatchFileSnapshot('../../golden/help/overview-40')
  await expect(await help(['doctor'], 80)).toMatchFileSnapshot('../../golden/help/doctor-80')
  await expect(await help(['doctor'], 40)).toMatchFileSnapshot('../../golden/help/doctor-40')
  await expect(await help(['lab', 'kill'], 80)).toMatchFileSnapshot('../../golden/help/lab-kill-80')
})

test.each([40, 80])('no line is wider than %i columns, but for a word that is', async (columns) => {
  const pages = [await help([], columns), ...shapes.map((shape) => helpOf(shape, columns))]
  const wide = pages.flatMap((page) => page.split('\n')).filter((line) => [...line].length > columns)
  // An example is one line, to be copied.
  const examples = new Set(shapes.flatMap(({ examples: own }) => own.map(([line]) => `  ${line}`)))
  expect(
    wide.filter((line) => !examples.has(line) && line.trim().includes(' ') && !/^ {2}-|^(More|Usage): /.test(line)),
  ).toEqual([])
})

test('every command stands in one group, under a name and an alias of its own', () => {
  const names = commands.flatMap(({ name, alias }) => (alias ? [name, alias] : [name]))
  expect(new Set(names).size).toBe(names.length)
  expect(groups.flatMap(([, some]) => some)).toEqual(commands)
})

test('every entry loads the command of its name', () => {
  expect(tops.map(({ path }) => path)).toEqual(commands.map(({ name }) => name))
})

test.each(tops.map((shape) => [shape.path, shape] as const))(
  '%s: an example of its own, and where to read on',
  (path, shape) => {
    expect(shape.examples.length).toBeGreaterThan(0)
    for (const [line] of shape.examples) expect(line).toMatch(new RegExp(`\\bprovision ${path}\\b`))
    expect(shape.page).toMatch(/^(docs|inventory)\/[\w-]+\.md(#[\w-]+)?$|^README\.md#/)
  },
)

test('every page to read on is there, with its heading', () => {
  for (const { path, page = '' } of tops) {
    const [file = '', anchor] = page.split('#')
    const headings = readFileSync(join(root, file), 'utf8').match(/^#+ .*/gm) ?? []
    const slugs = headings.map((heading) =>
      heading
        .replace(/^#+ /, '')
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    )
    if (anchor !== undefined) expect(slugs, path).toContain(anchor)
  }
})

test('every value has a name in the help', () => {
  const options = shapes.flatMap(({ options: own }) => own.filter(({ takes }) => takes !== 'nothing'))
  const words = shapes.flatMap(({ positionals }) => positionals)
  const nameless = [...options, ...words].filter((each) => valueFor(each).placeholder === 'VALUE')
  expect(nameless.map(({ name }) => name)).toEqual([])
})

test('no option of a command is called twice, and a letter means the same wherever it is', () => {
  const letters = new Map<string, string>()
  for (const { path, options } of shapes) {
    const names = options.flatMap(({ name, aliases }) => [name, ...aliases])
    expect(new Set(names).size, path).toBe(names.length)
    for (const { name, aliases } of options)
      for (const letter of aliases.filter((alias) => alias.length === 1)) {
        expect(letters.get(letter) ?? name, `-${letter} of ${path}`).toBe(name)
        letters.set(letter, name)
      }
  }
  expect(Object.fromEntries(letters)).toMatchObject({ l: 'limit', n: 'check', v: 'verbose', y: 'yes' })
})
