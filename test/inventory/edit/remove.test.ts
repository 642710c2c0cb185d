import { expect, test } from 'vitest'
import { withoutDevice } from '../../../src/inventory/edit/remove.ts'
import { parse } from '../parse.ts'

const text = `// Machines of the site.
{
  "gateways": { "gw": {} }, // one
  "devices": {
    // the first
    "a": { "forwards": ["127.0.0.1:9022:localhost:22"] },
    "b.lan": {
      "forwards": ["127.0.0.1:9023:localhost:22"], // its door
    },
    "c": { "forwards": [] }, // the last
  },
}
`
const names = ['a', 'b.lan', 'c']
const lines = (from: string) => from.split('\n')

test.each([
  ['a', [5]],
  ['b.lan', [6, 7, 8]],
  ['c', [9]],
])('without %s its own lines are gone, and every other stays', (name, gone) => {
  expect(lines(withoutDevice(text, name))).toEqual(lines(text).filter((_, at) => !gone.includes(at)))
})

test('in whatever order they go, what is left is an inventory', () => {
  for (const order of [names, [...names].reverse(), ['b.lan', 'c', 'a']]) {
    let left = text
    for (const [at, name] of order.entries()) {
      left = withoutDevice(left, name)
      expect(parse(left).devices.map((device) => device.name)).toEqual(
        names.filter((each) => !order.slice(0, at + 1).includes(each)),
      )
    }
  }
})

test('in one line, and the last without a comma behind it', () => {
  const short = '{"gateways":{"gw":{}},"devices":{"a":{},"b":{}}}'
  expect(withoutDevice(short, 'a')).toBe('{"gateways":{"gw":{}},"devices":{"b":{}}}')
  expect(parse(withoutDevice(short, 'b')).devices.map(({ name }) => name)).toEqual(['a'])
  expect(parse(withoutDevice(withoutDevice(short, 'b'), 'a')).devices).toEqual([])
})

const grouped = `{
  "gateways": { "gw": {} },
  "devices": {
    "logger": {},
    "pi-007": { "supervisor": "autossh" }, // the older one
  },
  "groups": {
    // Nearly all.
    "pis": {
      "devices": ["pi-{index}"], // by number
      "index": "001-300",
    },
    "old": { "devices": ["logger", "pi-007"] },
    "few": {
      "devices": [
        "pi-007", // the older one
        "extra{index}",
      ],
      "index": "1",
    },
  },
}
`

test('a device that groups know leaves them, too', () => {
  const left = withoutDevice(grouped, 'pi-007')
  expect(parse(left).devices).toHaveLength(parse(grouped).devices.length - 1)
  expect(left).toBe(
    grouped
      .replace(/.*pi-007.*older one\n/g, '')
      .replace('001-300', '001-006,008-300')
      .replace('["logger", "pi-007"]', '["logger"]'),
  )
})

test.each(['pi-001', 'pi-300', 'pi-150', 'logger', 'extra1'])('the group is right without %s', (name) => {
  const names = (text: string) => parse(text).devices.map((device) => device.name)
  expect(names(withoutDevice(grouped, name))).toEqual(names(grouped).filter((each) => each !== name))
})

test('with its last device a group goes, and its lines with it', () => {
  const last = grouped.replace('001-300', '007')
  const left = withoutDevice(last, 'pi-007')
  expect(parse(left).groups.map(({ name }) => name)).toEqual(['old', 'few'])
  expect(left).not.toContain('by number')
  expect(left).toContain('// Nearly all.')
})

test('the index of a group is no name', () => {
  expect(withoutDevice(grouped, 'pi-7')).toBe(grouped)
  expect(withoutDevice(grouped, 'pi-301')).toBe(grouped)
})

test('who is not there changes nothing', () => {
  expect(withoutDevice(text, 'd')).toBe(text)
})

test('a name or a comment in another script than Latin keeps its bytes', () => {
  const text = '{\n  // größer, 東京\n  "devices": {\n    "a": {},\n    "b": {}, // 京都\n  },\n}\n'
  const bytes = Buffer.from(text).toString('latin1')
  expect(Buffer.from(withoutDevice(bytes, 'a'), 'latin1').toString()).toBe(withoutDevice(text, 'a'))
  expect(withoutDevice(text, 'a')).toContain('"b": {}, // 京都')
})
