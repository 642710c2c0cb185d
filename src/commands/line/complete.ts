import { commandNamed } from '../index.ts'
import { catalog, shapeNamed } from './catalog.ts'
import { foundInventory, isFile } from './default-inventory.ts'
import { inOneLine } from './help.ts'
import { argumentsOf, isPath, takesInventory } from './places.ts'
import { innermost, type Shape } from './shape.ts'
import { type Value, valueFor } from './values.ts'
import { isOption, optionNamed, plainWords } from './words.ts'

/** What may stand at the end of a command line: a word and what it is, or that a file or folder may. */
export type Completion = readonly [word: string, what: string] | ':file' | ':folder'

/**
 * `words`: those behind `provision`, the last of which is only begun (or empty). Names come from the inventory that
 * these words name, else from the default one.
 */
export async function complete(words: readonly string[]): Promise<readonly Completion[]> {
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

async function offersOf(given: readonly string[], current: string, command: Shape): Promise<readonly Completion[]> {
  const typed = plainWords(given, command).map((at) => given[at] ?? '')
  const shape = innermost(command, typed)
  const depth = shape.path.split(' ').length - command.path.split(' ').length
  const places = typed.slice(depth)
  const assigned = /^(--[^=]+)=(.*)$/s.exec(current)
  const file = inventoryOf(shape, given, places)
  const option = optionNamed(assigned?.[1] ?? (isOption(given.at(-1) ?? '') ? (given.at(-1) ?? '') : ''), shape.options)
  if (option && option.takes !== 'nothing' && !(given.at(-1) ?? '').includes('=')) {
    const [head, begun] = assigned ? [`${assigned[1]}=`, assigned[2] ?? ''] : ['', current]
    const offers = await valuesFor(valueFor(option), option.choices, file)
    return starting(offers, begun).map((offer) => (typeof offer === 'string' ? offer : [head + offer[0], offer[1]]))
  }
  if (isOption(current) || current === '-') return starting(optionsOf(shape, given), current)
  const inner = shape.commands.map(({ path, describe }) => [path.split(' ').at(-1) ?? '', inOneLine(describe)] as const)
  if (inner.length > 0) return starting(inner, current)
  return starting(await wordsFor(shape, given, places, file), current)
}

/** What the next word may be: an inventory can be left out, so that what comes behind it may stand there, too. */
async function wordsFor(
  shape: Shape,
  given: readonly string[],
  places: readonly string[],
  file: string | undefined,
): Promise<readonly Completion[]> {
  const leading = takesInventory(shape) && !places.some((word) => isPath(word) || isFile(word))
  const words = argumentsOf(shape, given).slice(takesInventory(shape) ? 1 : 0)
  const at = places.length - (takesInventory(shape) && !leading ? 1 : 0)
  const last = words.at(-1)
  const place = words[at] ?? (last?.many ? last : undefined)
  const offers = place ? await valuesFor(valueFor(place), place.choices, file) : []
  return leading && !offers.includes(':file') ? [...offers, ':file'] : offers
}

async function valuesFor(
  { offers }: Value,
  choices: readonly string[],
  file: string | undefined,
): Promise<readonly Completion[]> {
  if (choices.length > 0) return choices.map((choice) => [choice, ''])
  if (offers === 'nothing') return []
  if (offers === 'file' || offers === 'folder') return [`:${offers}`]
  const { namesIn } = await import('../../inventory/read/names-in.ts')
  const { gateways, devices, clients, groups } = await namesIn(file)
  const as = (what: string, names: readonly string[]) => names.map((name): Completion => [name, what])
  const hosts = [...as('gateway', gateways), ...as('device', devices)]
  return {
    host: hosts,
    'host or group': [...hosts, ...as('group', groups)],
    ...{ device: as('device', devices), gateway: as('gateway', gateways) },
    ...{ client: as('client', clients), group: as('group', groups) },
  }[offers]
}

/** Which inventory has the names. */
function inventoryOf(shape: Shape, given: readonly string[], places: readonly string[]): string | undefined {
  const option = given.findIndex((word) => isOption(word) && optionNamed(word, shape.options)?.name === 'inventory')
  const named = takesInventory(shape) ? places.find((word) => isPath(word) || isFile(word)) : undefined
  try {
    return (option < 0 ? named : given[option + 1]) ?? foundInventory(process.env)
  } catch {
    return undefined
  }
}

function optionsOf({ options }: Shape, given: readonly string[]): readonly Completion[] {
  const used = given.filter(isOption).map((word) => optionNamed(word, options))
  return [
    ...options
      .filter((option) => !used.includes(option) || option.repeatable)
      .map(({ name, on, describe }): Completion => [`--${on ? 'no-' : ''}${name}`, inOneLine(describe)]),
    ['--help', 'Show its help'],
  ]
}

async function allCommands(): Promise<readonly Completion[]> {
  const own = (await catalog()).map(({ path, describe }): Completion => [path, inOneLine(describe)])
  return [...own, ['help', 'Show the help of a command']]
}

const starting = (offers: readonly Completion[], begun: string) =>
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
