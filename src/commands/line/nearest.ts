import { closest } from '../../inventory/messages.ts'
import { commands } from '../index.ts'
import type { Shape } from './shape.ts'
import { isOption } from './words.ts'

/** A hint for a command that does not exist. */
export function nearestCommand(word: string): string | undefined {
  const names = commands.flatMap(({ name, alias }) => (alias ? [name, alias] : [name]))
  const near = closest(word, [...names, 'help', 'version'])
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
  const command = closest(
    words[1] ?? '',
    shape.commands.map(({ path }) => path.split(' ').at(-1) ?? ''),
  )
  if (command && command !== words[1]) return `did you mean ${command}?`
  return `see \`provision help ${shape.path}\``
}
