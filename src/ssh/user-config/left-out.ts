import type { ConfigFile, ConfigLine } from './config-tree.ts'

/** What is left out when ssh is asked which route it would take without the blocks and entries that are forwards. */
export interface LeftOut {
  /** Of a block that provision wrote, given the inventory that it was written for. */
  readonly block: (inventory: string) => boolean
  /** Does a HostName lead to a gateway itself, so that whoever answers there is behind a forward. */
  readonly endpoint: (hostName: string) => boolean
}

export interface MarkedLine extends ConfigLine {
  /** The inventory of the block that it stands in. */
  readonly block?: string
}

/** The keywords that make a route; the account and its keys are no part of it. */
const route = new Set(['hostname', 'port', 'proxyjump', 'proxycommand'])

const begin = /^# >>> provision: (.*)$/
const end = /^# <<< provision: /

/**
 * Every line of a file, with the block that it stands in. A block whose last line is gone goes to the end of its file.
 */
export function markedConfigLines({ lines }: ConfigFile): MarkedLine[] {
  let block: string | undefined
  return lines.map((line) => {
    const text = line.text.trimEnd()
    block = begin.exec(text)?.[1] ?? (end.test(text) ? undefined : block)
    return block === undefined ? line : { ...line, block }
  })
}

/** The names that the blocks of these inventories are about; they have no patterns. */
export function namesInBlocks(files: readonly ConfigFile[], block: LeftOut['block']): ReadonlySet<string> {
  const names = files.flatMap((file): string[] =>
    markedConfigLines(file).flatMap((line) => {
      if (line.includes)
        return line.includes.flatMap((one) => (typeof one === 'string' ? [] : [...namesInBlocks([one], block)]))
      if (line.block === undefined || !block(line.block)) return []
      if (line.keyword === 'host') return line.words
      return line.keyword === 'match' && line.words[0] === 'host' ? (line.words[1] ?? '').split(',') : []
    }),
  )
  return new Set(names)
}

/** The lines of a file that stay. */
export function without(file: ConfigFile, leftOut: LeftOut): ConfigLine[] {
  return sections(markedConfigLines(file)).flatMap((section) => {
    const leads = section.some(({ keyword, words }) => keyword === 'hostname' && leftOut.endpoint(words[0] ?? ''))
    return section.filter(
      ({ keyword, block }) => !route.has(keyword) || !(leads || (block !== undefined && leftOut.block(block))),
    )
  })
}

/** What stands before the first `Host` or `Match`, and each of these with its lines. */
function sections(lines: readonly MarkedLine[]): MarkedLine[][] {
  const all: MarkedLine[][] = [[]]
  for (const line of lines) {
    if (line.keyword === 'host' || line.keyword === 'match') all.push([])
    all.at(-1)?.push(line)
  }
  return all
}
