import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newId, withId } from '../../../src/inventory/edit/identity.ts'
import { complaints, parse } from '../parse.ts'

test.each<[string, string, string]>([
  [
    'behind the schema, as the lines are laid out',
    '// ours\n{\n  "$schema": "./schema.json", // for editors\n\n  "gateways": { "gw": {} },\n}\n',
    '// ours\n{\n  "$schema": "./schema.json", // for editors\n  "id": "k7w2m9qd",\n\n  "gateways": { "gw": {} },\n}\n',
  ],
  [
    'at the beginning, before what is said there',
    '{\n    // who logs in\n    "login": { "user": "me" }, "gateways": { "gw": {} }\n}',
    '{\n    "id": "k7w2m9qd",\n    // who logs in\n    "login": { "user": "me" }, "gateways": { "gw": {} }\n}',
  ],
  ['into one line', '{ "gateways": { "gw": {} } }\n', '{ "id": "k7w2m9qd", "gateways": { "gw": {} } }\n'],
  ['without blanks', '{"gateways":{"gw":{}}}', '{"id":"k7w2m9qd","gateways":{"gw":{}}}'],
  [
    'into one line behind the schema',
    '{ "$schema": "x", "gateways": { "gw": {} } }',
    '{ "$schema": "x", "id": "k7w2m9qd", "gateways": { "gw": {} } }',
  ],
  [
    'behind a schema that stands last',
    '{\n  "gateways": { "gw": {} },\n  "$schema": "x"\n}\n',
    '{\n  "gateways": { "gw": {} },\n  "$schema": "x",\n  "id": "k7w2m9qd"\n}\n',
  ],
  [
    'with the line ends that are there',
    '{\r\n  "gateways": { "gw": {} },\r\n}\r\n',
    '{\r\n  "id": "k7w2m9qd",\r\n  "gateways": { "gw": {} },\r\n}\r\n',
  ],
  [
    'before a comment over several lines',
    '{ /* a\n b */ "gateways": { "gw": {} } }',
    '{ "id": "k7w2m9qd", /* a\n b */ "gateways": { "gw": {} } }',
  ],
])('the identity is written %s', (_, before, after) => {
  expect(withId(before, 'k7w2m9qd')).toBe(after)
  expect(parse(after).id).toBe('k7w2m9qd')
})

test('an inventory keeps the identity that it has', () => {
  const text = '{ "gateways": { "gw": {} }, "id": "mine1234" }'
  expect(withId(text, 'k7w2m9qd')).toBe(text)
})

test('nothing is lost of whatever stands there, and only the identity is added', () => {
  const blank = fc.constantFrom('', ' ', '\n', '\r\n', '\n  ', ' // c\n', '/* b */', ' /* b\n */ ', '\n\t')
  const entry = fc.constantFrom('"gateways": { "gw": {} }', '"$schema": "x"', '"profile": "strict"', '"devices": {}')
  const text = fc
    .tuple(fc.uniqueArray(entry, { minLength: 1 }), fc.array(blank, { minLength: 12, maxLength: 12 }), fc.boolean())
    .map(([entries, blanks, last]) => {
      const body = entries.map((each, at) => {
        const comma = at < entries.length - 1 || last ? `${blanks[3 * at + 1]},` : ''
        return `${blanks[3 * at]}${each}${comma}`
      })
      return `${blanks[10]}{${body.join('')}${blanks[11]}}`
    })
    .filter((each) => each.includes('gateways'))
  fc.assert(
    fc.property(text, (before) => {
      const after = withId(before, 'k7w2m9qd')
      expect(parse(after)).toEqual({ ...parse(before), id: 'k7w2m9qd' })
      const left = [...before].reduce((at, letter) => after.indexOf(letter, at) + 1 || Number.NaN, 0)
      expect(left).toBeGreaterThan(0)
    }),
  )
})

test('an identity is eight letters and digits that nobody takes for another one', () => {
  let turn = 0
  expect(newId((below) => (turn++ * 7) % below)).toMatch(/^[a-hjkmnp-tv-z2-9]{8}$/)
})

const two = (first: string, second: string) =>
  `{\n"gateways": { "gw": {} }, "devices": {\n"pi1": { "forwards": ["9001:localhost:22"]${first} },\n"pi2": { "forwards": ["9002:localhost:22"]${second} }\n} }`

test('a device may not have the name by which gateways know another one', () => {
  expect(complaints(two('', ', "knownAs": "PI1"'))).toBe(
    'inventory.json:3:1 devices.pi1: gateways know pi2 by this name (its "knownAs" on line 4): give this machine another name, or remove pi2 first',
  )
  expect(complaints(two(', "knownAs": "old"', ', "knownAs": "old"'))).toBe(
    'inventory.json:4:56 devices.pi2.knownAs: gateways know pi1 by this name, too (line 3): only one of the two devices can have had this name, so delete it from the other',
  )
  expect(complaints(two(', "knownAs": "pi1"', ''))).toBe(
    'inventory.json:3:56 devices.pi1.knownAs: is its own name: leave it out',
  )
  expect(complaints(two(', "knownAs": "a b"', ''))).toContain('"a b" is not a host name')
  expect(parse(two(', "knownAs": "old"', '')).devices[0]?.knownAs).toBe('old')
})

test('the name of former times is of one machine, so a group cannot give it', () => {
  const text =
    '{ "gateways": { "gw": {} }, "groups": { "g": { "devices": ["pi{index}"], "index": "1-2", "settings": { "knownAs": "old{index}" } } } }'
  expect(complaints(text)).toContain('groups.g.settings.knownAs: belongs to one machine: write it under "devices"')
})
