import type { Node } from 'jsonc-parser'
import { commaIn, find, indentAt, inserted, lineEnds } from './text.ts'

/** Letters and digits that nobody takes for another one: no i, l, o, u, 0, 1. */
const alphabet = 'abcdefghjkmnpqrstvwxyz23456789'

/** A new identity of an inventory. `random`: a whole number from 0, smaller than what it is given. */
export function newId(random: (below: number) => number): string {
  return Array.from({ length: 8 }, () => alphabet[random(alphabet.length)]).join('')
}

/** The text of an inventory with this identity, behind "$schema" or at the beginning; every other byte stays. */
export function withId(text: string, id: string): string {
  const root = find(text, [])
  if (root?.type !== 'object' || find(text, ['id']) !== undefined) return text
  const schema = root.children?.find(({ children: [key] = [] }) => key?.value === '$schema')
  if (schema === undefined) return atTheBeginning(text, root, id)
  return schema === root.children?.at(-1) ? inserted(text, root, `"id": "${id}"`) : behind(text, schema, id)
}

function atTheBeginning(text: string, root: Node, id: string): string {
  const [first] = root.children ?? []
  if (first === undefined) return inserted(text, root, `"id": "${id}"`)
  const open = root.offset + 1
  const between = text.slice(open, first.offset)
  const ownLine = /^[ \t]*(\/\/[^\n]*)?\r?\n/.exec(between)
  if (ownLine) {
    const at = open + ownLine[0].length
    return text.slice(0, at) + lineEnds(text, `${indentAt(text, first.offset)}"id": "${id}",\n`) + text.slice(at)
  }
  if (between === '') return `${text.slice(0, open)}"id":"${id}",${text.slice(open)}`
  return `${text.slice(0, open)} "id": "${id}",${text.slice(open)}`
}

function behind(text: string, property: Node, id: string): string {
  const end = property.offset + property.length
  const at = end + (commaIn(text.slice(end))?.length ?? 0)
  const ownLine = /^[ \t]*(\/\/[^\n]*)?\r?\n/.exec(text.slice(at))
  if (!ownLine) {
    const entry = text.startsWith(' ', at) ? ` "id": "${id}",` : `"id":"${id}",`
    return text.slice(0, at) + entry + text.slice(at)
  }
  const next = at + ownLine[0].length
  return text.slice(0, next) + lineEnds(text, `${indentAt(text, property.offset)}"id": "${id}",\n`) + text.slice(next)
}
