import { cut, find, inserted, replaced, withProperty } from './text.ts'

/** The text of an inventory whose gateways let this watcher's key look. */
export function withWatchKey(text: string, line: string): string {
  const entry = JSON.stringify(line)
  const keys = find(text, ['watch', 'keys'])
  if (keys?.type === 'array')
    return keys.children?.length ? inserted(text, keys, entry) : replaced(text, keys, `[${entry}]`)
  if (find(text, ['watch']) !== undefined) return withProperty(text, ['watch'], `"keys": [${entry}]`)
  return withProperty(text, [], `"watch": { "keys": [${entry}] }`)
}

/** … and one that does not any more. */
export function withoutWatchKey(text: string, key: string): string {
  const listed = find(text, ['watch', 'keys'])?.children ?? []
  const at = listed.findIndex(({ value }) => String(value) === key || String(value).startsWith(`${key} `))
  if (at < 0) return text
  if (listed.length > 1) return cut(text, ['watch', 'keys', at])
  const alone = find(text, ['watch'])?.children?.length === 1
  return cut(text, alone ? ['watch'] : ['watch', 'keys'])
}
