import { expect, test } from 'vitest'
import { withNewName } from '../../../src/inventory/edit/rename.ts'
import type { Device } from '../../../src/inventory/model.ts'
import { parse } from '../parse.ts'

const rename = (text: string, from: string, to: string, pinned = false) =>
  withNewName(text, { from, to, pinned }, (other) => parse(other))

const site = `// ours
{
  "gateways": { "gw": {} },
  "devices": {
    // on the roof
    "roof": { "forwards": ["9001:localhost:22"] }, // the old one
    "cellar": {
      "address": "10.0.0.7", // fixed
      "forwards": ["9002:localhost:22"],
    },
  },
  "groups": {
    "all": { "devices": ["roof", "cellar"], "settings": { "profile": "strict" } },
  },
}
`

test('the name changes wherever it stands, and every other byte stays', () => {
  const { text, knownAs, groups } = rename(site, 'roof', 'attic')
  expect({ knownAs, groups }).toEqual({ knownAs: 'roof', groups: [] })
  expect(text).toBe(
    site
      .replace(
        '"roof": { "forwards": ["9001:localhost:22"] },',
        '"attic": { "forwards": ["9001:localhost:22"], "knownAs": "roof", "address": "roof" },',
      )
      .replace('["roof", "cellar"]', '["attic", "cellar"]'),
  )
})

test('renamed back, it is the text that it was', () => {
  for (const [from, to] of [
    ['roof', 'attic'],
    ['cellar', 'vault'],
  ] as const)
    expect(rename(rename(site, from, to).text, to, from)).toEqual({ text: site, groups: [] })
})

test('renamed twice, its gateways know the first name', () => {
  const { text, knownAs } = rename(rename(site, 'cellar', 'vault').text, 'vault', 'den')
  expect(knownAs).toBe('cellar')
  expect(text).toContain('"den": {\n      "address": "10.0.0.7", // fixed\n')
  expect(text).toContain('      "knownAs": "cellar",\n    },')
})

test('with the line ends that are there', () => {
  const { text } = rename(site.replaceAll('\n', '\r\n'), 'cellar', 'vault')
  expect(text.replaceAll('\r\n', '')).not.toContain('\n')
})

test('where the file has the new name already, only the old one is added, and that once', () => {
  const byHand = site.replaceAll('"roof"', '"attic"')
  const { text } = rename(byHand, 'roof', 'attic', true)
  expect(text).toBe(byHand.replace('["9001:localhost:22"]', '["9001:localhost:22"], "knownAs": "roof"'))
  expect(rename(text, 'roof', 'attic', true)).toEqual({ text, knownAs: 'roof', groups: [] })
  expect(rename(text, 'roof', 'attic')).toEqual({ text, knownAs: 'roof', groups: [] })
})

test.each<[string, readonly [string, string], string]>([
  ['a device that is not there', ['rof', 'attic'], 'inventory.json has no device rof, did you mean "roof"?'],
  ['onto another device', ['roof', 'cellar'], 'cellar is already in the inventory'],
  ['onto a gateway', ['roof', 'gw'], 'roof cannot be renamed to gw: devices.gw: the name is already used on line 3'],
  ['a gateway', ['gw', 'other'], 'gw is a gateway, and gateways keep their names'],
  ['to what is no name', ['roof', 'a b'], 'roof cannot be renamed to a b: devices."a b": "a b" is not a host name'],
])('%s cannot be renamed', (_, [from, to], message) => {
  expect(() => rename(site, from, to)).toThrow(message)
})

const fleet = (settings: string, index = '"1-3"') => `{
  "gateways": { "gw": {} },
  "groups": {
    "sensors": {
      "devices": ["s{index}"], // counted
      "index": ${index},
      "settings": ${settings},
    },
  },
}
`
const devices = (text: string) => parse(text).devices.map(({ name, forwards }) => `${name} ${forwards[0]?.port}`)
const like = ({ name: _, knownAs: __, address: ___, forwards, ...rest }: Device) => ({
  ...rest,
  forwards: forwards.map(({ device: ____, ...forward }) => forward),
})

test('of a group that counts its devices, whose settings need the number: it stands for itself then, with what it had', () => {
  const before = fleet(
    '{ "forwards": ["900{index}:localhost:22"], "login": { "user": "u{index}" }, "supervisor": "autossh" }',
  )
  const { text, groups } = rename(before, 's2', 'roof')
  expect(groups).toEqual(['sensors'])
  expect(devices(text).sort()).toEqual(['roof 9002', 's1 9001', 's3 9003'])
  const [was, is] = [
    parse(before).devices.find(({ name }) => name === 's2'),
    parse(text).devices.find(({ name }) => name === 'roof'),
  ]
  expect(is && like(is)).toEqual(was && like(was))
  expect(text).toContain('"index": "1,3"')
  expect(text).toContain('// counted')
})

test('of one whose settings do not: it stays in the group, by its name', () => {
  const { text, groups } = rename(fleet('{ "profile": "strict" }'), 's3', 'roof')
  expect(groups).toEqual([])
  const after = parse(text)
  expect(after.groups).toEqual([{ name: 'sensors', devices: ['s1', 's2', 'roof'] }])
  expect(after.devices.find(({ name }) => name === 'roof')).toMatchObject({ profile: 'strict', knownAs: 's3' })
})

test.each(['{ "profile": "strict" }', '{ "forwards": ["900{index}:localhost:22"] }'])(
  'the last one that a group counts, %s',
  (settings) => {
    const text = fleet(settings, '"7"').replace('"groups"', '"devices": { "x": {} }, "groups"')
    const after = parse(rename(text, 's7', 'roof').text)
    expect(after.devices.map(({ name }) => name).sort()).toEqual(['roof', 'x'])
  },
)
