import { expect, test } from 'vitest'
import { withoutWatchKey, withWatchKey } from '../../../src/inventory/edit/watch-keys.ts'

const key = 'ssh-ed25519 AAAA1'
const line = `${key} watcher on w`
const other = 'ssh-ed25519 AAAA2 another'

test.each([
  ['an inventory without "watch"', '{\n  "gateways": {}, // mine\n}\n', '"watch": { "keys": ["'],
  ['one with settings', '{\n  "watch": { "after": 5 }\n}\n', '"watch": { "after": 5, "keys": ["'],
  ['one with an empty list', '{ "watch": { "keys": [] } }', '"keys": ["'],
  ['one with another key', `{ "watch": { "keys": ["${other}"] } }`, `["${other}", "`],
])('%s gets the key and loses it again, and every other byte stays', (_, before, shown) => {
  const after = withWatchKey(before, line)
  expect(after).toContain(`${shown}${shown.endsWith('"') ? '' : ''}${line}"`)
  const gone = withoutWatchKey(after, key)
  expect(gone).not.toContain(key)
  if (!before.includes('[]')) expect(gone.replaceAll(/[\s,]/g, '')).toBe(before.replaceAll(/[\s,]/g, ''))
})

test('a key that is not there changes nothing', () => {
  expect(withoutWatchKey('{}', key)).toBe('{}')
  expect(withoutWatchKey(`{ "watch": { "keys": ["${other}"] } }`, key)).toContain(other)
})
