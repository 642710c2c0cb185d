import { expect, test } from 'vitest'
import { InventoryError } from '../../../src/errors.ts'
import { placesIn } from '../../../src/inventory/edit/locations.ts'
import { parse } from '../parse.ts'

const text = `// Where things stand.
{
  "gateways": { "gw": {}, "devices": {} },
  "devices": {
    /* one */ "pi": {
      "forwards": ["9001:localhost:22",
        { "gateway": "gw", "port": 9002, "host": "::1", "hostPort": 22 },
        { "gateway": "devices", "bindAddress": "[::1]", "port": 9002, "host": "localhost", "hostPort": 22 },
      ],
    },
  },
}
`.replace('"9001:localhost:22"', '{ "gateway": "gw", "port": 9001, "host": "localhost", "hostPort": 22 }')

const inventory = parse(text)
const places = placesIn(text, inventory)

test('a host stands where its name was written', () => {
  expect(places.host('gw')).toEqual({ line: 3, column: 17 })
  expect(places.host('devices')).toEqual({ line: 3, column: 27 })
  expect(places.host('pi')).toEqual({ line: 5, column: 15 })
})

test('a forward stands where it was written, whatever its words', () => {
  const [first, second, third] = inventory.devices[0]?.forwards ?? []
  expect([first, second, third].map((forward) => forward && places.forward(forward))).toEqual([
    { line: 6, column: 20 },
    { line: 7, column: 9 },
    { line: 8, column: 9 },
  ])
})

test('what is not there has no place', () => {
  expect(places.host('nobody')).toBeUndefined()
  expect(places.forward({ device: 'pi', gateway: 'gw', bindAddress: '127.0.0.1', port: 1 })).toBeUndefined()
  expect(placesIn('', inventory).host('pi')).toBeUndefined()
})

test('a byte order mark and the line ends of Windows move nothing', () => {
  const other = placesIn(`\ufeff${text.replaceAll('\n', '\r\n')}`, inventory)
  expect([other.host('gw'), other.host('pi')]).toEqual([places.host('gw'), places.host('pi')])
})

test('each mistake has its own place, too', () => {
  try {
    parse('{ "gateways": { "gw": { "adress": "x" } },\n  "devices": { "pi": { "forwards": ["9022"] } } }')
    expect.fail('no mistake found')
  } catch (error) {
    expect(error).toBeInstanceOf(InventoryError)
    expect(error instanceof InventoryError && error.problems).toEqual([
      {
        file: 'inventory.json',
        line: 1,
        column: 25,
        message: 'gateways.gw.adress: unknown key, did you mean "address"?',
      },
      {
        file: 'inventory.json',
        line: 2,
        column: 37,
        message: expect.stringContaining('devices.pi.forwards[0]: a port alone'),
      },
    ])
  }
})
