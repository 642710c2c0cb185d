import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser'
import type { Path } from '../read/problems.ts'

// Changes of a text that people write: every byte that a change is not about stays as it was, comments too.

export function find(text: string, path: Path): Node | undefined {
  const root = parseTree(text, undefined, { allowTrailingComma: true })
  return root && findNodeAtLocation(root, [...path])
}

export function replaced(text: string, { offset, length }: Node, by: string): string {
  return text.slice(0, offset) + by + text.slice(offset + length)
}

/** A property, or an entry of a list: its own lines go whole. */
export function cut(text: string, path: Path): string {
  const node = find(text, path)
  const whole = node?.parent?.type === 'property' ? node.parent : node
  if (whole === undefined) return text
  const before = text.slice(0, whole.offset)
  const behind = text.slice(whole.offset + whole.length)
  const comma = commaIn(behind)
  const after = comma === undefined ? behind : comma.slice(0, -1).replace(/^\s*$/, '') + behind.slice(comma.length)
  const line = /(^|\n)[ \t]*$/.exec(before)
  const rest = /^[ \t]*(\/\/[^\n]*)?\r?\n/.exec(after)
  if (line && rest) return before.slice(0, line.index) + (line[1] ?? '') + after.slice(rest[0].length)
  return /^\s*[\]}]/.test(after) ? before.replace(/,[ \t]*$/, '') + after : before + after.replace(/^ /, '')
}

/** The comma that ends an entry, and what stands before it; undefined: there is none. */
export function commaIn(behind: string): string | undefined {
  return /^(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*,/.exec(behind)?.[0]
}

/** As the last of an object or a list, laid out as the one before it is. */
export function inserted(text: string, around: Node, entry: string): string {
  const end = around.offset + around.length - 1
  const last = around.children?.at(-1)
  if (last === undefined) return insertedFirst(text, end, entry)
  const behind = text.slice(last.offset + last.length, end)
  const comma = commaIn(behind)
  const head = text.slice(0, last.offset + last.length) + (comma ?? ',')
  const after = behind.slice(comma?.length ?? 0)
  const own = comma === undefined ? '' : ','
  // A comment that goes on in the next line ends none.
  const restOfLine = /^(?:[^\S\n]|\/\*(?:[^*\n]|\*(?!\/))*\*\/)*(?:\/\/[^\n]*)?\n/.exec(after)?.[0]
  if (restOfLine === undefined) return `${head} ${entry}${own}${after}${text.slice(end)}`
  const indent = indentAt(text, last.offset)
  const lines = lineEnds(text, `${indent}${indented(entry, indent)}${own}\n`)
  return `${head}${restOfLine}${lines}${after.slice(restOfLine.length)}${text.slice(end)}`
}

/** With this property (`"key": value`) as the last of an object that is there. */
export function withProperty(text: string, path: readonly string[], entry: string): string {
  const object = find(text, path)
  if (object === undefined) return text
  return object.children?.length === 0 ? replaced(text, object, `{ ${entry} }`) : inserted(text, object, entry)
}

function insertedFirst(text: string, end: number, entry: string): string {
  const indent = indentAt(text, end)
  const before = text.slice(0, end).replace(/[ \t]*$/, '')
  const lines = `${before.endsWith('\n') ? '' : '\n'}${indent}  ${indented(entry, `${indent}  `)},\n${indent}`
  return before + lineEnds(text, lines) + text.slice(end)
}

export function indentAt(text: string, offset: number): string {
  return /[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? ''
}

export function indented(text: string, indent: string): string {
  return text.replaceAll('\n', `\n${indent}`)
}

/** As the text has them. */
export function lineEnds(text: string, lines: string): string {
  return text.includes('\r\n') ? lines.replaceAll('\n', '\r\n') : lines
}
