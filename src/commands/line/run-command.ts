import yargs from 'yargs'
import { InventoryError } from '../../errors.ts'
import type { AnyCommand } from '../index.ts'
import { synopsis } from './help.ts'
import { nearestInner, nearestOption, seeHelp } from './nearest.ts'
import { innermost, type Shape } from './shape.ts'
import { valueFor, wordAsTyped } from './values.ts'
import { isGiven, optionNamed, plainWords, unknownOption } from './words.ts'

/**
 * Checks the words of a command, all at their places, and does it.
 * @throws InventoryError for words that it does not take
 */
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
      throw message ? new InventoryError(message, seeHelp(inner)) : error
    })
    .parseAsync()
}

/** @throws InventoryError where a word is missing, or an option is not one of this command */
function mustBeWhole(words: readonly string[], shape: Shape): void {
  const given = plainWords(words, shape).map((at) => words[at] ?? '')
  const [next] = given.slice(shape.path.split(' ').length)
  if (shape.commands.length > 0 && next !== undefined)
    throw new InventoryError(`provision ${shape.path} has no command ${next}`, nearestInner(next, shape))
  const unknown = unknownOption(words, shape)
  if (unknown !== undefined)
    throw new InventoryError(`provision ${shape.path} has no option ${unknown}`, nearestOption(unknown, shape))
  const places = given.length - shape.path.split(' ').length
  const missing = shape.positionals[places]
  if (missing?.required) throw isMissing(shape, wordAsTyped(missing), missing.describe)
  const option = shape.options.find((each) => each.required && !isGiven(each, words, shape))
  if (option === undefined) return
  const value = valueFor(option).placeholder
  throw isMissing(shape, option.name === 'device' ? value : `--${option.name} ${value}`, option.describe)
}

const isMissing = (shape: Shape, what: string, describe: string) =>
  new InventoryError(`${what} is missing: ${describe}`, `usage: ${synopsis(shape)}`)

/** Of an option that is given twice the last one counts, as in ssh with `-p`; yargs would make a list of it. */
function lastOf(given: Record<string, unknown>, { options, positionals }: Shape): void {
  const lists = new Set(['_', '--', ...positionals.filter(({ many }) => many).map(({ name }) => name)])
  for (const [name, value] of Object.entries(given))
    if (Array.isArray(value) && !lists.has(name) && !optionNamed(`--${name}`, options)?.repeatable)
      given[name] = value.at(-1)
}
