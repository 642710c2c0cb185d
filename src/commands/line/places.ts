import { innermost, type Shape } from './shape.ts'
import { isOption, optionNamed, wordsOf } from './words.ts'

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
  const all = wordsOf(words, command)
  const shape = innermost(
    command,
    all.map((at) => words[at] ?? ''),
  )
  const depth = shape.path.split(' ').length - command.path.split(' ').length
  const inner = new Set(all.slice(0, depth))
  const rest = words.filter((_, at) => !inner.has(at))
  const others = shape.positionals.slice(1)
  if (!takesInventory(shape.positionals)) return { path: shape.path, words: rest }
  const places = wordsOf(rest, shape)
  const device = deviceOption(rest, shape)
  const most = others.length + (device === 'one' ? 1 : 0)
  const endless = others.some(({ many }) => many) || device === 'many'
  const named = inventoryAt(
    places.map((at) => rest[at] ?? ''),
    { most, endless, files },
  )
  const inventory = named === undefined ? files.default() : (rest[places[named] ?? 0] ?? '')
  const taken = places.filter((_, index) => index !== named)
  const devices = new Set(device ? taken.slice(others.length) : [])
  const placedWords = rest.flatMap((word, at) => {
    if (named !== undefined && at === places[named]) return []
    return devices.has(at) ? ['--device', word] : [word]
  })
  return { path: shape.path, words: [inventory, ...placedWords] }
}

const takesInventory = ([first]: Shape['positionals']) => first?.name === 'inventory' && first.required

/** May a device be given as a mere word: where the command takes `--device`, and it is not given already. */
export function deviceOption(words: readonly string[], { options, positionals }: Shape): 'one' | 'many' | undefined {
  const device = options.find(({ name }) => name === 'device')
  const end = words.indexOf('--')
  const own = words.slice(0, end < 0 ? undefined : end)
  const given = own.some((word) => isOption(word) && optionNamed(word, options) === device)
  if (device === undefined || given || !takesInventory(positionals)) return undefined
  return device.required ? 'one' : 'many'
}

function inventoryAt(
  words: readonly string[],
  { most, endless, files }: { readonly most: number; readonly endless: boolean; readonly files: Files },
): number | undefined {
  const ends = [0, words.length - 1].filter((at) => words[at] !== undefined)
  const path = ends.find((at) => isPath(words[at] ?? ''))
  if (path !== undefined) return path
  if (words.length <= most && !endless) return undefined
  const file = words.length > most ? ends.find((at) => files.isFile(words[at] ?? '')) : undefined
  // One word too many: who reads it says that there is no such file.
  return file ?? (endless ? undefined : 0)
}

/** Written as a path: a file even where there is none. */
export const isPath = (word: string): boolean => /\/|\.jsonc?$/.test(word)
