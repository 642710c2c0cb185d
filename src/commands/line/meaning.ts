import { InventoryError } from '../../errors.ts'
import { type CommandEntry, commandNamed, planFileCommand } from '../index.ts'
import { shapeNamed } from './catalog.ts'
import { defaultInventory, firstSteps, foundInventory, isFile } from './default-inventory.ts'
import { isPath, placed, takesInventory } from './places.ts'
import { innermost, type Shape, shapeOf } from './shape.ts'
import { plainWords } from './words.ts'

/** What a command line means: every word at its place, nothing left to guess. */
export type Meaning =
  | { readonly kind: 'version' }
  | { readonly kind: 'complete'; readonly words: readonly string[] }
  | { readonly kind: 'help'; readonly of: readonly string[] }
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly words: readonly string[]; readonly shape: Shape }

export interface Around {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Is somebody there who can be asked? */
  readonly terminal: boolean
}

/**
 * `provision COMMAND [INVENTORY] …`, and `provision INVENTORY` for `provision apply INVENTORY`. A first word that is
 * neither a command nor a file is refused, so that no slip of the finger changes anything.
 * @throws InventoryError
 */
export async function meaningOf(words: readonly string[], around: Around): Promise<Meaning> {
  const [first = ''] = words
  if (['version', '--version', '-V'].includes(first) || (first === '-v' && words.length === 1))
    return { kind: 'version' }
  if (first === 'complete') return { kind: 'complete', words: words.slice(1) }
  if (first === 'help') return { kind: 'help', of: words.slice(1).filter((word) => !word.startsWith('-')) }
  const apply = commandNamed('apply') as CommandEntry
  // Options may stand before the command.
  const at = first.startsWith('-') ? (plainWords(words, await shapeNamed('apply'))[0] ?? -1) : first ? 0 : -1
  const word = words[at]
  const named = word === undefined ? undefined : commandNamed(word)
  const rest = named ? words.toSpliced(at, 1) : words
  if (asksForHelp(words)) return { kind: 'help', of: named ? [named.name, ...rest] : [] }
  if (word !== undefined && !named) await mustBeFile(word, around)
  if (word === undefined) mustBeMeant(words, around)
  const entry = await withPlanFile(named ?? apply, rest)
  const shape = entry === planFileCommand ? shapeOf(await entry.load()) : await shapeNamed(entry.name)
  const { path, words: told } = placed(rest, shape, { default: () => defaultInventory(around.env), isFile })
  const inner = innermost(shape, path.split(' ').slice(1))
  if (takesInventory(inner)) mustBeInventory(told[0] ?? '', inner)
  return { kind: 'command', entry, words: [...path.split(' '), ...told], shape }
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  const own = end < 0 ? words : words.slice(0, end)
  return own.some((word) => word === '--help' || word === '-h')
}

/** `provision apply FILE` goes by what the file is. */
async function withPlanFile(entry: CommandEntry, words: readonly string[]): Promise<CommandEntry> {
  if (entry.name !== 'apply') return entry
  const [at] = plainWords(words, await shapeNamed('apply'))
  const file = at === undefined ? undefined : words[at]
  if (file === undefined || !isFile(file)) return entry
  const { looksLikePlan } = await import('../../run/plan/plan-file.ts')
  return (await looksLikePlan(file)) ? planFileCommand : entry
}

/** @throws InventoryError for what no file and no command is called */
async function mustBeFile(word: string, { env }: Around): Promise<void> {
  // A path that leads nowhere is told as such by who reads it.
  if (isFile(word) || isPath(word)) return
  const { nearestCommand } = await import('./nearest.ts')
  throw new InventoryError(
    `${word} is neither a command nor an inventory file`,
    (await deviceHint(word, env)) ?? nearestCommand(word) ?? 'see `provision help`',
  )
}

async function deviceHint(word: string, env: Around['env']): Promise<string | undefined> {
  const { namesIn } = await import('../../inventory/read/names-in.ts')
  const { devices } = await namesIn(foundInventory(env))
  return devices.includes(word) ? `${word} is a device: provision doctor ${word}` : undefined
}

/** @throws InventoryError for a word that stands where an inventory does: a host, perhaps */
function mustBeInventory(word: string, { options }: Shape): void {
  if (isFile(word) || isPath(word)) return
  const host = options.some(({ name }) => name === 'limit') ? `; for one host: --limit ${word}` : ''
  throw new InventoryError(`${word}: there is no such file`, `name your inventory, a JSON file${host}`)
}

/** Neither command nor inventory: only where a question can be asked before anything is changed. */
function mustBeMeant(words: readonly string[], { env, terminal }: Around): void {
  if (words.length === 0 && foundInventory(env) === undefined) throw firstSteps()
  if (!terminal)
    throw new InventoryError(
      'expected a command or an inventory file: there is no terminal to ask on',
      'name what is to be done, such as `provision apply` or `provision plan`',
    )
}
