import { closest } from '../../inventory/messages.ts'
import { commands } from '../index.ts'
import type { Shape } from './shape.ts'
import { isOption } from './words.ts'

/** There are few commands, and two letters in the wrong order are two slips. */
const slipsIn = (word: string) => (word.length < 4 ? 1 : 2)

/** A hint for a command that does not exist. */
export function nearestCommand(word: string): string | undefined {
  const names = commands.flatMap(({ name, alias }) => (alias ? [name, alias] : [name]))
  const near = closest(word, [...names, 'help', 'version'], slipsIn(word))
  return near && `did you mean ${near}?`
}

/** A hint for words that the command does not take: of its options and commands, the nearest to one that is unknown. */
export function nearestOption(words: readonly string[], shape: Shape): string {
  const options = shape.options.flatMap(({ name, aliases }) => [name, ...aliases]).map((name) => `--${name}`)
  for (const word of words.filter((each) => isOption(each) && each.startsWith('--'))) {
    const name = word.replace(/=.*/, '')
    const meant = options.includes(name) ? undefined : closest(name, options)
    if (meant) return `did you mean ${meant}?`
  }
  return seeHelp(shape)
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

const seeHelp = ({ path }: Shape) => `see \`provision help ${path}\``
