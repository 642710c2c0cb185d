import { globToRegExp } from '../files/glob.ts'
import type { ConfigFile } from '../ssh/user-config/config-tree.ts'

/** A line of an ssh_config, in the order in which ssh reads it. */
export interface PlacedLine {
  /** `FILE:LINE`. */
  readonly place: string
  readonly keyword: string
  readonly words: readonly string[]
  readonly text: string
}

export function placedLines(file: ConfigFile): PlacedLine[] {
  return file.lines.flatMap(({ keyword, words, text, includes }, at): PlacedLine[] => {
    const line = { place: `${file.path}:${at + 1}`, keyword, words, text: text.trim() }
    const inner = includes?.flatMap((one) => (typeof one === 'string' ? [] : placedLines(one))) ?? []
    return keyword === '' ? inner : [line, ...inner]
  })
}

/**
 * The names of a `Host` or `Match` line that are no patterns: several on one `Host` line may be one machine, or
 * several.
 */
export interface NamedLine {
  readonly names: readonly string[]
  readonly place: string
  /** Of `Match host`, which may as well be an address. */
  readonly matched: boolean
}

export function namedLines(lines: readonly PlacedLine[]): NamedLine[] {
  const plain = (word: string) => word !== '' && !/[*?!]/.test(word)
  return lines.flatMap(({ keyword, words, place }): NamedLine[] => {
    if (keyword === 'host') return [{ names: words.filter(plain), place, matched: false }]
    if (keyword !== 'match') return []
    return criteria(words)
      .filter(({ key }) => key === 'host' || key === 'originalhost')
      .flatMap(({ value }) => value.split(',').filter(plain))
      .map((name) => ({ names: [name], place, matched: true }))
  })
}

/** The lines of patterns that none of these names matches. */
export function unusedPatterns(lines: readonly PlacedLine[], names: readonly string[]): PlacedLine[] {
  return lines.filter(({ keyword, words }) => {
    const wanted = words.filter((word) => !word.startsWith('!'))
    const isPattern = keyword === 'host' && wanted.length > 0 && wanted.every((word) => /[*?]/.test(word))
    return isPattern && !wanted.includes('*') && !names.some((name) => matchesHost(words, name))
  })
}

/** What `ssh -G` would run. */
export function commandsRun(lines: readonly PlacedLine[]): { readonly place: string; readonly command: string }[] {
  return lines.flatMap(({ keyword, words, place }) =>
    keyword === 'match'
      ? criteria(words)
          .filter(({ key }) => key === 'exec')
          .map(({ value }) => ({ place, command: value }))
      : [],
  )
}

/** Is a host looked up again when its HostName is known. */
export const isReadTwice = (lines: readonly PlacedLine[]) =>
  lines.some(
    ({ keyword, words }) =>
      (keyword === 'match' && words.some((word) => /^!?(final|canonical)$/i.test(word))) ||
      (keyword === 'canonicalizehostname' && !/^no$/i.test(words[0] ?? 'no')),
  )

/**
 * Where the values of an option of a host are written, in order: in the sections that are about the host, or may be.
 */
export function placesOfOption(lines: readonly PlacedLine[], name: string, option: string): string[] {
  let about = true
  return lines.flatMap(({ keyword, words, place }) => {
    if (keyword === 'host') about = matchesHost(words, name)
    else if (keyword === 'match') about = mayMatch(words, name)
    return about && keyword === option ? [place] : []
  })
}

/** Is a `Host` line of these words about this name. */
export function matchesHost(patterns: readonly string[], name: string): boolean {
  const hit = (pattern: string) => (/[*?]/.test(pattern) ? globToRegExp(pattern).test(name) : pattern === name)
  return !patterns.some((word) => word.startsWith('!') && hit(word.slice(1))) && patterns.some(hit)
}

function mayMatch(words: readonly string[], name: string): boolean {
  const named = criteria(words).filter(({ key }) => key === 'originalhost')
  return named.every(({ value }) => matchesHost(value.split(','), name))
}

/** `host a,b exec "…"`; `key=value` is how newer ones may be written. A negated criterion keeps its `!`. */
function criteria(words: readonly string[]): { readonly key: string; readonly value: string }[] {
  const all: { key: string; value: string }[] = []
  for (let at = 0; at < words.length; at++) {
    const [, key = '', glued] = /^(!?[A-Za-z]+)(?:=(.*))?$/s.exec(words[at] ?? '') ?? []
    if (/^!?(all|canonical|final)$/i.test(key)) continue
    all.push({ key: key.toLowerCase(), value: glued ?? words[++at] ?? '' })
  }
  return all
}
