import { InventoryError } from '../../errors.ts'
import { type CommandEntry, commandNamed, groups } from '../index.ts'
import { catalog, shapeNamed } from './catalog.ts'
import { paragraph, rows } from './layout.ts'
import { argumentsOf } from './places.ts'
import { innermost, type OptionShape, type Shape } from './shape.ts'
import { valueFor, wordAsTyped } from './values.ts'

/** Of a command, of one of its commands, or of all: `words` are those behind `help`. */
export async function help(words: readonly string[], columns: number): Promise<string> {
  const [word, ...rest] = words
  if (word === undefined) return overview(columns)
  const entry = commandNamed(word)
  if (entry) return helpOf(innermost(await shapeNamed(entry.name), rest), columns, entry)
  const { nearestCommand } = await import('./nearest.ts')
  throw new InventoryError(`there is no command ${word}`, nearestCommand(word) ?? 'see `provision help`')
}

export const examples: readonly (readonly [string, string])[] = [
  ['provision init', 'a first inventory, by questions'],
  ['provision plan', 'what would change, on every host of inventory.json'],
  ['provision apply', 'do it, and prove every tunnel'],
  ['provision status --watch', 'which device is up, and since when'],
  ['provision doctor pi1', 'why pi1 is down'],
]

export const intro = {
  what: 'reverse SSH tunnels from machines that nobody can call',
  sentence:
    'provision keeps reverse SSH tunnels from machines that nobody can call, and changes these machines safely.',
}

/** How the first words of a command line are read; docs/guide.md says it at length. */
export const rules = [
  'Without an INVENTORY it is inventory.json here, else the file that $PROVISION_INVENTORY names.',
  '`provision INVENTORY` is `provision apply INVENTORY`. A first word that is neither a command nor a file is refused.',
  'A device may follow as a word of its own: `provision doctor pi1`.',
]

async function overview(columns: number): Promise<string> {
  const shapes = await catalog()
  const parts = [
    paragraph(intro.sentence, columns),
    'Usage: provision COMMAND [INVENTORY] [OPTION…]\n',
    ...groups.map(([title, some]) => listed(title, some, shapes, columns)),
    `Inventory\n${rules.map((rule) => paragraph(rule, columns, 2)).join('')}`,
    `Examples\n${rows(examples, columns)}`,
    `${rows(
      [
        ['provision help COMMAND', 'its options and examples'],
        ['man provision', 'all of it on one page'],
        ['docs/guide.md', 'the guide'],
      ],
      columns,
    )}`,
  ]
  return parts.join('\n')
}

function listed(title: string, some: readonly CommandEntry[], shapes: readonly Shape[], columns: number): string {
  const lines = some.map(
    ({ name }) => [name, inOneLine(shapes.find(({ path }) => path === name)?.describe ?? '')] as const,
  )
  return `${title}\n${rows(lines, columns, 17)}`
}

/** What a description begins with. */
export const inOneLine = (describe: string): string => describe.replace(/[:;] .*/s, '')

export function helpOf(shape: Shape, columns: number, { alias }: { readonly alias?: string } = {}): string {
  const titles = [...new Set(shape.options.flatMap(({ group }) => group ?? []))]
  const parts = [
    usage(shape, columns),
    paragraph(`${shape.describe}.${alias ? ` \`provision ${alias}\` is the same.` : ''}`, columns),
    ...section(
      'Commands',
      shape.commands.map(({ path, describe }) => [`provision ${path}`, describe]),
      columns,
    ),
    ...section(
      'Arguments',
      argumentsOf(shape).map((word) => [wordAsTyped(word), word.describe]),
      columns,
    ),
    ...section('Options', ownOptions(shape).map(optionRow), columns),
    ...titles.flatMap((title) =>
      section(title, shape.options.filter(({ group }) => group === title).map(optionRow), columns),
    ),
    ...section('Examples', shape.examples, columns),
    ...(shape.page ? [`More: ${shape.page}\n`] : []),
  ]
  return parts.join('\n')
}

function usage(shape: Shape, columns: number): string {
  return paragraph(`Usage: ${synopsis(shape)}`, columns, 0, 2)
}

export function synopsis(shape: Shape): string {
  const words = argumentsOf(shape).map(wordAsTyped)
  const inner = shape.commands.length > 0 ? ['COMMAND'] : []
  const options = shape.options.length > 0 ? ['[OPTION…]'] : []
  return ['provision', shape.path, ...inner, ...words, ...options].join(' ')
}

/** Those that no other command has. A device can be a word as well. */
export function ownOptions(shape: Shape): readonly OptionShape[] {
  const isWord = argumentsOf(shape).some(({ name }) => name === 'device')
  return shape.options
    .filter(({ group }) => group === undefined)
    .map((option) =>
      isWord && option.name === 'device' ? { ...option, describe: 'The same, as an option', required: false } : option,
    )
}

function section(title: string, lines: readonly (readonly [string, string])[], columns: number): string[] {
  return lines.length > 0 ? [`${title}\n${rows(lines, columns)}`] : []
}

function optionRow(option: OptionShape): readonly [string, string] {
  return [optionAsTyped(option), optionText(option)]
}

/** `-l, --limit NAME` */
export function optionAsTyped(option: OptionShape): string {
  const names = [option.name, ...option.aliases]
  const short = names.filter((name) => name.length === 1).map((name) => `-${name}`)
  const long = names.filter((name) => name.length > 1).map((name) => `--${option.on ? 'no-' : ''}${name}`)
  const value = option.takes === 'nothing' ? '' : ` ${valueFor(option).placeholder}`
  return [...short, ...long].join(', ') + value
}

export function optionText({ describe, otherwise, required }: OptionShape): string {
  const notes = [required ? 'required' : '', otherwise ? `default: ${otherwise}` : ''].filter(Boolean).join('; ')
  return notes ? `${describe} (${notes})` : describe
}
