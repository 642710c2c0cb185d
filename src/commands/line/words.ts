import type { OptionShape, Shape } from './shape.ts'

/** Which of these words are neither options nor their values, up to `--`; the same as yargs takes for them. */
export function plainWords(words: readonly string[], { options }: Pick<Shape, 'options'>): readonly number[] {
  const found: number[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '--') break
    if (!isOption(word)) found.push(at)
    else at += valuesBehind(words, at, optionNamed(word, options))
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
export function isGiven(option: OptionShape, words: readonly string[], { options }: Pick<Shape, 'options'>): boolean {
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
