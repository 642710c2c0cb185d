import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser'
import { readIndexes, withoutIndex } from './index-range.ts'
import type { Path } from './problems.ts'
import { plainValue } from './syntax.ts'

/**
 * The text of an inventory without this device: its own lines go whole, and with them what groups say of it, its number or
 * its name, and a group that is left with none. Every other byte stays, comments too.
 */
export function withoutDevice(text: string, name: string): string {
  const without = cut(text, ['devices', name])
  const groups = find(without, ['groups'])?.children ?? []
  return groups.reduce((left, { children: [key] = [] }) => withoutMember(left, String(key?.value), name), without)
}

function withoutMember(text: string, group: string, name: string): string {
  const place = ['groups', group]
  const listed = find(text, [...place, 'devices'])
  const entries = listed === undefined ? [] : [plainValue(listed)].flat()
  const at = entries.findIndex((entry) => typeof entry === 'string' && indexOf(entry, name) !== undefined)
  const template = at < 0 ? undefined : String(entries[at])
  if (template === undefined) return text
  const indexes = find(text, [...place, 'index'])
  const index = indexOf(template, name) ?? ''
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

/** What `{index}` is in a name that was made of the template; undefined: another template made it, or none. */
function indexOf(template: string, name: string): string | undefined {
  const [before = '', ...others] = template.split('{index}')
  if (others.length === 0) return template === name ? '' : undefined
  const index = name.slice(before.length).match(/^\d+/)?.[0]
  return index !== undefined && template.replaceAll('{index}', index) === name ? index : undefined
}

function find(text: string, path: Path): Node | undefined {
  const root = parseTree(text, undefined, { allowTrailingComma: true })
  return root && findNodeAtLocation(root, [...path])
}

function replaced(text: string, { offset, length }: Node, by: string): string {
  return text.slice(0, offset) + by + text.slice(offset + length)
}

/** A property, or an entry of a list: its own lines go whole. */
function cut(text: string, path: Path): string {
  const node = find(text, path)
  const whole = node?.parent?.type === 'property' ? node.parent : node
  if (whole === undefined) return text
  const before = text.slice(0, whole.offset)
  const after = text.slice(whole.offset + whole.length).replace(/^\s*,/, '')
  const line = /(^|\n)[ \t]*$/.exec(before)
  const rest = /^[ \t]*(\/\/[^\n]*)?\n/.exec(after)
  if (line && rest) return before.slice(0, line.index) + (line[1] ?? '') + after.slice(rest[0].length)
  return /^\s*[\]}]/.test(after) ? before.replace(/,\s*$/, '') + after : before + after.replace(/^ /, '')
}
