import { closest } from '../../inventory/messages.ts'
import { commands } from '../index.ts'
import type { Shape } from './shape.ts'

/** There are few commands, and two letters in the wrong order are two slips. */
const slipsIn = (word: string) => (word.length < 4 ? 1 : 2)

/** A hint for a command that does not exist. */
export function nearestCommand(word: string): string | undefined {
  const names = commands.flatMap(({ name, alias }) => (alias ? [name, alias] : [name]))
  const near = closest(word, [...names, 'help', 'version'], slipsIn(word))
  return near && `did you mean ${near}?`
}

/** A hint for an option that the command does not have. */
export function nearestOption(option: string, shape: Shape): string {
  const options = shape.options.flatMap(({ name, aliases }) => [name, ...aliases]).map((name) => `--${name}`)
  const near = option.startsWith('--') ? closest(option, options) : undefined
  return near ? `did you mean ${near}?` : seeHelp(shape)
}

/** A hint for a word that is no command below this one. */
export function nearestInner(word: string, shape: Shape): string {
  const near = closest(
    word,
    shape.commands.map(({ path }) => path.split(' ').at(-1) ?? ''),
    slipsIn(word),
  )
  return near ? `did you mean ${near}?` : seeHelp(shape)
}

export const seeHelp = ({ path }: Shape) => `see \`provision help ${path}\``
