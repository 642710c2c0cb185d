import { innermost, type Positional, type Shape } from './shape.ts'
import { isGiven, plainWords } from './words.ts'

export interface Files {
  /** The inventory where none is named. @throws InventoryError where there is none */
  readonly default: () => string
  readonly isFile: (word: string) => boolean
}

/**
 * The words of a command with everything at its place: the inventory first, and a device that stands as a mere word
 * behind its `--device`. What is a path or a file that exists is the inventory, in whichever order they stand; with too
 * few words for both, only a path is.
 */
export function placed(words: readonly string[], command: Shape, files: Files): { path: string; words: string[] } {
  const all = plainWords(words, command)
  const shape = innermost(
    command,
    all.map((at) => words[at] ?? ''),
  )
  const depth = shape.path.split(' ').length - command.path.split(' ').length
  const inner = new Set(all.slice(0, depth))
  const rest = words.filter((_, at) => !inner.has(at))
  if (!takesInventory(shape)) return { path: shape.path, words: rest }
  const places = plainWords(rest, shape)
  const others = argumentsOf(shape, rest).slice(1)
  const most = others.some(({ many }) => many) ? Number.POSITIVE_INFINITY : others.length
  const least = others.filter(({ required }) => required).length
  const named = inventoryAt(
    places.map((at) => rest[at] ?? ''),
    { least, most, isFile: files.isFile },
  )
  const inventory = named === undefined ? files.default() : (rest[places[named] ?? 0] ?? '')
  const taken = places.filter((_, index) => index !== named)
  const devices = new Set(others.at(-1)?.name === 'device' ? taken.slice(others.length - 1) : [])
  const placedWords = rest.flatMap((word, at) => {
    if (named !== undefined && at === places[named]) return []
    return devices.has(at) ? ['--device', word] : [word]
  })
  return { path: shape.path, words: [inventory, ...placedWords] }
}

export const takesInventory = ({ positionals: [first] }: Shape): boolean =>
  first?.name === 'inventory' && first.required

/**
 * What may stand as a mere word: besides what the command names, a device, where it takes the option `--device` and
 * none is given already.
 */
export function argumentsOf(shape: Shape, words: readonly string[] = []): readonly Positional[] {
  const device = shape.options.find(({ name }) => name === 'device')
  if (device === undefined || !takesInventory(shape) || isGiven(device, words, shape)) return shape.positionals
  const { required, repeatable: many, describe } = device
  return [...shape.positionals, { name: 'device', required, many, describe, choices: [] }]
}

/** `least` and `most`: so many words may stand beside it. */
function inventoryAt(
  words: readonly string[],
  { least, most, isFile }: { readonly least: number; readonly most: number } & Pick<Files, 'isFile'>,
): number | undefined {
  const ends = [0, words.length - 1].filter((at) => words[at] !== undefined)
  const path = ends.find((at) => isPath(words[at] ?? ''))
  if (path !== undefined || words.length <= least) return path
  const file = ends.find((at) => isFile(words[at] ?? ''))
  // One word too many: who reads it says that there is no such file.
  return file ?? (words.length > most ? 0 : undefined)
}

/** Written as a path: a file even where there is none. */
export const isPath = (word: string): boolean => /\/|\.jsonc?$/.test(word)
