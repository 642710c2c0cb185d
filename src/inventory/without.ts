import { findNodeAtLocation, parseTree } from 'jsonc-parser'

/** The text of an inventory without this device. Its own lines go whole; every other byte stays, comments too. */
export function withoutDevice(text: string, name: string): string {
  const root = parseTree(text, undefined, { allowTrailingComma: true })
  const property = root && findNodeAtLocation(root, ['devices', name])?.parent
  if (!property) return text
  const before = text.slice(0, property.offset)
  const after = text.slice(property.offset + property.length).replace(/^\s*,/, '')
  const line = /(^|\n)[ \t]*$/.exec(before)
  const rest = /^[ \t]*(\/\/[^\n]*)?\n/.exec(after)
  if (!line || !rest) return before + after
  return before.slice(0, line.index) + (line[1] ?? '') + after.slice(rest[0].length)
}
