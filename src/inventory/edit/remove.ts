import { indexIn, readIndexes, withoutIndex } from '../read/index-range.ts'
import { plainValue } from '../read/syntax.ts'
import { cut, find, replaced } from './text.ts'

/**
 * The text of an inventory without this device: its own lines go whole, and with them what groups say of it, its number
 * or its name, and a group that is left with none. Every other byte stays, comments too.
 */
export function withoutDevice(text: string, name: string): string {
  const without = cut(text, ['devices', name])
  const groups = find(without, ['groups'])?.children ?? []
  return groups.reduce((left, { children: [key] = [] }) => withoutMember(left, String(key?.value), name), without)
}

export function withoutMember(text: string, group: string, name: string): string {
  const place = ['groups', group]
  const listed = find(text, [...place, 'devices'])
  const entries = listed === undefined ? [] : [plainValue(listed)].flat()
  const at = entries.findIndex(
    (entry) => typeof entry === 'string' && (entry === name || indexIn(entry, name) !== undefined),
  )
  const template = at < 0 ? undefined : String(entries[at])
  if (template === undefined) return text
  const indexes = find(text, [...place, 'index'])
  const index = indexIn(template, name) ?? ''
  if (template !== name && indexes !== undefined) {
    const read = readIndexes(String(indexes.value))
    if ('problem' in read || !read.indexes.includes(index)) return text
    const left = withoutIndex(String(indexes.value), index)
    if (left !== '') return replaced(text, indexes, JSON.stringify(left))
  }
  if (entries.length === 1) return cut(text, place)
  const rest = cut(text, [...place, 'devices', at])
  return template === name ? rest : cut(rest, [...place, 'index'])
}
