import { commandNamed } from '../index.ts'
import { catalog, shapeNamed } from './catalog.ts'
import { foundInventory, isFile } from './default-inventory.ts'
import { inOneLine } from './help.ts'
import { deviceOption, isPath } from './places.ts'
import { innermost, type Positional, type Shape } from './shape.ts'
import { type Value, valueFor } from './values.ts'
import { isOption, optionNamed, wordsOf } from './words.ts'

/** What may stand at the end of a command line: a word and what it is, or that a file or folder may. */
export type Offer = readonly [word: string, what: string] | ':file' | ':folder'

/**
 * `words`: those behind `provision`, the last of which is only begun (or empty). Names come from the inventory that these
 * words name, else from the default one.
 */
export async function complete(words: readonly string[]): Promise<readonly Offer[]> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const [word, ...rest] = before
  if (before.includes('--')) return [':file']
  const entry = word === undefined ? undefined : commandNamed(word)
  if (word === undefined && !isOption(current)) return [...starting(await allCommands(), current), ':file']
  if (word === 'help') return rest.length === 0 ? starting(await allCommands(), current) : []
  const shape = await shapeNamed(entry?.name ?? 'apply')
  return offersOf(entry ? rest : before, current, shape)
}

async function offersOf(given: readonly string[], current: string, command: Shape): Promise<readonly Offer[]> {
  const typed = wordsOf(given, command).map((at) => given[at] ?? '')
  const shape = innermost(command, typed)
  const depth = shape.path.split(' ').length - command.path.split(' ').length
  const places = typed.slice(depth)
  const assigned = /^(--[^=]+)=(.*)$/s.exec(current)
  const option = optionNamed(assigned?.[1] ?? (isOption(given.at(-1) ?? '') ? (given.at(-1) ?? '') : ''), shape.options)
  if (option && option.takes !== 'nothing' && !(given.at(-1) ?? '').includes('=')) {
    const [head, begun] = assigned ? [`${assigned[1]}=`, assigned[2] ?? ''] : ['', current]
    const offers = await valuesFor(valueFor(option), option.choices, places)
    return starting(offers, begun).map((offer) => (typeof offer === 'string' ? offer : [head + offer[0], offer[1]]))
  }
  if (isOption(current) || current === '-') return starting(optionsOf(shape, given), current)
  const inner = shape.commands.map(({ path, describe }) => [path.split(' ').at(-1) ?? '', inOneLine(describe)] as const)
  if (inner.length > 0) return starting(inner, current)
  return starting(await wordsFor(shape, given, places), current)
}

/** What the next word may be: an inventory can be left out, so that what comes behind it may stand there, too. */
async function wordsFor(shape: Shape, given: readonly string[], places: readonly string[]): Promise<readonly Offer[]> {
  const [first, ...others] = shape.positionals
  if (first === undefined) return []
  const hasInventory = places.some((word) => isPath(word) || isFile(word))
  const optional = first.name === 'inventory'
  const at = optional ? places.length - (hasInventory ? 1 : 0) : places.length
  const all = optional ? [...others, ...devicePlace(shape, given)] : shape.positionals
  const place = all[at] ?? (all.at(-1)?.many ? all.at(-1) : undefined)
  const offers = place ? await valuesFor(valueFor(place), place.choices, places) : []
  return optional && !hasInventory && !offers.includes(':file') ? [...offers, ':file'] : offers
}

function devicePlace(shape: Shape, given: readonly string[]): readonly Positional[] {
  const device = deviceOption(given, shape)
  if (device === undefined) return []
  return [{ name: 'device', required: true, many: device === 'many', describe: '', choices: [] }]
}

async function valuesFor(
  { offers }: Value,
  choices: readonly string[],
  places: readonly string[],
): Promise<readonly Offer[]> {
  if (choices.length > 0) return choices.map((choice) => [choice, ''])
  if (offers === 'nothing') return []
  if (offers === 'file' || offers === 'folder') return [`:${offers}`]
  const { namesIn } = await import('../../inventory/read/names-in.ts')
  const { gateways, devices, clients, groups } = await namesIn(inventoryOf(places))
  const as = (what: string, names: readonly string[]) => names.map((name): Offer => [name, what])
  const hosts = [...as('gateway', gateways), ...as('device', devices)]
  return {
    host: hosts,
    'host or group': [...hosts, ...as('group', groups)],
    ...{ device: as('device', devices), gateway: as('gateway', gateways) },
    ...{ client: as('client', clients), group: as('group', groups) },
  }[offers]
}

function inventoryOf(places: readonly string[]): string | undefined {
  try {
    return places.find((word) => isPath(word) || isFile(word)) ?? foundInventory(process.env)
  } catch {
    return undefined
  }
}

function optionsOf({ options }: Shape, given: readonly string[]): readonly Offer[] {
  const used = given.filter(isOption).map((word) => optionNamed(word, options))
  return [
    ...options
      .filter((option) => !used.includes(option) || option.repeatable)
      .map(({ name, describe }): Offer => [`--${name}`, inOneLine(describe)]),
    ['--help', 'Show its help'],
  ]
}

async function allCommands(): Promise<readonly Offer[]> {
  const own = (await catalog()).map(({ path, describe }): Offer => [path, inOneLine(describe)])
  return [...own, ['help', 'Show the help of a command']]
}

const starting = (offers: readonly Offer[], begun: string) =>
  offers.filter((offer) => typeof offer === 'string' || offer[0].startsWith(begun))

/** `provision complete SHELL WORDS…`, which the shells' scripts call: a line for each offer. */
export async function completeFor([shell, ...words]: readonly string[]): Promise<string> {
  // bash takes --limit=NAME for three words, and wants the last one back.
  const joined =
    shell === 'bash'
      ? words
          .join('\n')
          .replaceAll(/\n=(\n|$)/g, '=')
          .split('\n')
      : words
  const offers = await complete(joined)
  const head = shell === 'bash' ? (/^--[^=]+=/.exec(joined.at(-1) ?? '')?.[0].length ?? 0) : 0
  return offers
    .map((offer) => (typeof offer === 'string' ? offer : `${offer[0].slice(head)}\t${offer[1]}`))
    .map((line) => `${line}\n`)
    .join('')
}
