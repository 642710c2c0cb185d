import yargs from 'yargs'
import { InventoryError } from '../../errors.ts'
import type { AnyCommand } from '../index.ts'
import { synopsis } from './help.ts'
import { nearestOption } from './nearest.ts'
import { innermost, type Shape } from './shape.ts'
import { valueFor, wordAsTyped } from './values.ts'
import { optionNamed, wordsOf } from './words.ts'

/** Checks the words of a command, all at their places, and does it. @throws InventoryError for words that it does not take */
export async function runCommand(command: AnyCommand, words: readonly string[], shape: Shape): Promise<void> {
  const inner = innermost(shape, words.slice(1))
  mustBeWhole(words, inner)
  await yargs([...words])
    .scriptName('provision')
    .command(command as never)
    .demandCommand(0, 0)
    .strict()
    .version(false)
    .help(false)
    .parserConfiguration({ 'populate--': true })
    .middleware((given) => lastOf(given, inner), true)
    .exitProcess(false)
    // Without a throw here the command would run although its words are wrong (yargs with exitProcess(false)).
    .fail((message, error) => {
      throw message ? new InventoryError(message, nearestOption(words, inner)) : error
    })
    .parseAsync()
}

/** @throws InventoryError where a word is missing */
function mustBeWhole(words: readonly string[], shape: Shape): void {
  const places = wordsOf(words, shape).length - shape.path.split(' ').length
  const usage = `usage: ${synopsis(shape)}`
  const missing = shape.positionals[places]
  if (missing?.required) throw new InventoryError(`${wordAsTyped(missing)} is missing: ${missing.describe}`, usage)
  const end = words.indexOf('--')
  const given = words.slice(0, end < 0 ? undefined : end).map((word) => optionNamed(word, shape.options))
  const option = shape.options.find((each) => each.required && !given.includes(each))
  if (option) throw new InventoryError(`--${option.name} ${valueFor(option).placeholder} is missing`, usage)
}

/** Of an option that is given twice the last one counts, as in ssh with `-p`; yargs would make a list of it. */
function lastOf(given: Record<string, unknown>, { options, positionals }: Shape): void {
  const lists = new Set(['_', '--', ...positionals.filter(({ many }) => many).map(({ name }) => name)])
  for (const [name, value] of Object.entries(given))
    if (Array.isArray(value) && !lists.has(name) && !optionNamed(`--${name}`, options)?.repeatable)
      given[name] = value.at(-1)
}
