/** More than anybody has behind one gateway, and few enough for a slip of the finger to cost nothing. */
const MOST = 10_000

/** What `{index}` stands for, in order: `001-016,018` is 001 to 016 and 018, as written, zeros before it too. */
export function readIndexes(text: string): { readonly indexes: readonly string[] } | { readonly problem: string } {
  const indexes = new Set<string>()
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
    if (first === undefined || last === undefined) {
      return { problem: `${JSON.stringify(part)} is not a range of numbers: write it like "001-300", or "001-016,018"` }
    }
    const padded = first.startsWith('0') && first.length > 1
    if (padded && last.length !== first.length) {
      return {
        problem: `"${part}": write both ends with the same number of digits, or without zeros before them`,
      }
    }
    if (Number(last) < Number(first)) return { problem: `"${part}" runs backwards: write "${last}-${first}"` }
    for (let number = Number(first); number <= Number(last); number++) {
      const index = padded ? String(number).padStart(first.length, '0') : String(number)
      if (indexes.has(index)) return { problem: `contains ${index} twice: remove it from one part` }
      indexes.add(index)
      if (indexes.size > MOST) return { problem: `has more than ${MOST} numbers: check for a digit too many` }
    }
  }
  return { indexes: [...indexes] }
}

/** The same words without this index; empty where none is left. */
export function withoutIndex(text: string, index: string): string {
  const parts = text.split(',').flatMap((part) => {
    const [first = part, last = first] = part.split('-')
    const read = readIndexes(part)
    if ('problem' in read || !read.indexes.includes(index)) return [part]
    const at = read.indexes.indexOf(index)
    const before = read.indexes[at - 1]
    const after = read.indexes[at + 1]
    return [...(before === undefined ? [] : [span(first, before)]), ...(after === undefined ? [] : [span(after, last)])]
  })
  return parts.join(',')
}

function span(first: string, last: string): string {
  return first === last ? first : `${first}-${last}`
}

/** The same words with this index at their end. */
export function withIndex(indexes: string, index: string): string {
  const longer = indexes.replace(/(\d+)(-\d+)?$/, (_, first: string) => `${first}-${index}`)
  const read = [indexes, longer].map((text) => readIndexes(text))
  const [before, after] = read.map((each) => ('indexes' in each ? each.indexes : []))
  const follows = after?.join() === [...(before ?? []), index].join()
  return follows ? longer : `${indexes},${index}`
}

/** What `{index}` is in a name that this template can make; undefined: it makes no such name. */
export function indexIn(template: string, name: string): string | undefined {
  const [before = '', ...others] = template.split('{index}')
  if (others.length === 0) return undefined
  const index = name.slice(before.length).match(/^\d+/)?.[0]
  return index !== undefined && template.replaceAll('{index}', index) === name ? index : undefined
}
