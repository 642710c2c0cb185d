import type { OptionShape, Shape } from './shape.ts'

type Options = Pick<Shape, 'options'>

/** Which of these words are neither options nor their values, up to `--`; the same as yargs takes for them. */
export const plainWords = (words: readonly string[], shape: Options): readonly number[] => sorted(words, shape).plain

/** The first option among these words that the command does not have, without its value. */
export function unknownOption(words: readonly string[], shape: Options): string | undefined {
  const given = sorted(words, shape).options.flatMap((at) => {
    const name = (words[at] ?? '').replace(/=.*/s, '')
    return name.startsWith('--') ? [name] : [...name.slice(1)].map((letter) => `-${letter}`)
  })
  return given.find((name) => optionNamed(name, shape.options) === undefined)
}

/** The places of both kinds, up to `--`; the values of options are of neither. */
function sorted(words: readonly string[], { options }: Options): Record<'plain' | 'options', readonly number[]> {
  const found = { plain: [] as number[], options: [] as number[] }
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '--') break
    found[isOption(word) ? 'options' : 'plain'].push(at)
    if (isOption(word)) at += valuesBehind(words, at, optionNamed(word, options))
  }
  return found
}

export const isOption = (word: string): boolean => /^-./.test(word)

/** The option that a word names; of letters in one word, the last one. */
export function optionNamed(word: string, options: readonly OptionShape[]): OptionShape | undefined {
  const long = /^--(?:no-)?([^=]+)/.exec(word)?.[1]
  const name = long ?? (word.startsWith('--') ? '' : word.replace(/=.*/, '').slice(-1))
  return options.find((option) => [option.name, camel(option.name), ...option.aliases].includes(name))
}

/** Does this option stand among these words? */
export function isGiven(option: OptionShape, words: readonly string[], { options }: Options): boolean {
  const end = words.indexOf('--')
  const own = words.slice(0, end < 0 ? undefined : end)
  return own.some((word) => isOption(word) && optionNamed(word, options) === option)
}

function valuesBehind(words: readonly string[], at: number, option: OptionShape | undefined): number {
  if (option === undefined || (words[at] ?? '').includes('=')) return 0
  const next = words.slice(at + 1)
  if (option.takes === 'nothing') return /^(true|false)$/.test(next[0] ?? '') ? 1 : 0
  if (option.takes === 'one') return 1
  const end = next.findIndex(isOption)
  return end < 0 ? next.length : end
}

const camel = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
