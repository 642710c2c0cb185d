import { expect, test } from 'vitest'
import { InventoryError } from '../../../src/errors.ts'
import { type NewDevices, withDevices } from '../../../src/inventory/edit/add-devices.ts'
import { parse } from '../parse.ts'

const to = { host: 'localhost', hostPort: 22 }
const add = (text: string, names: readonly string[], wanted: Partial<NewDevices> = {}) =>
  withDevices(text, { names, gateways: [], to, ...wanted }, parse).text
const refusal = (text: string, names: readonly string[], wanted: Partial<NewDevices> = {}) => {
  try {
    add(text, names, wanted)
  } catch (error) {
    if (error instanceof InventoryError) return `${error.message}; ${error.hint}`
    throw error
  }
  return 'no complaint'
}

const site = `// The site.
{
  "gateways": { "gw": { "ports": "9000-9003" } },
  "devices": {
    // the first
    "pi-1": { "forwards": ["9000:localhost:22"] }, // on the roof
    "pi-2": {
      "forwards": ["[::1]:9002:localhost:22"] // in the cellar
    } // and the last
    // more to come
  } /* all */
}
`

test('new devices come last, each with the first port that is free, and all that was there stays', () => {
  const text = add(site, ['pi-3', 'pi-4'])
  expect(text).toBe(
    site.replace(
      '    } // and the last\n',
      `    }, // and the last
    "pi-3": { "forwards": ["127.0.0.1:9001:localhost:22"] },
    "pi-4": { "forwards": ["127.0.0.1:9003:localhost:22"] }
`,
    ),
  )
  expect(refusal(text, ['pi-5'])).toBe('gw has no port left for pi-5; widen its "ports"')
})

test.each([
  [
    '{ "gateways": { "gw": { "ports": "9000-9003" } } }',
    '{ "gateways": { "gw": { "ports": "9000-9003" } }, "devices": {\n  "a": { "forwards": ["127.0.0.1:9000:localhost:22"] },\n} }',
  ],
  [
    '{"gateways":{"gw":{"ports":"9000-9003"}},"devices":{}}',
    '{"gateways":{"gw":{"ports":"9000-9003"}},"devices":{\n  "a": { "forwards": ["127.0.0.1:9000:localhost:22"] },\n}}',
  ],
  [
    '{ "gateways": { "gw": { "ports": "9000-9003" } }, "devices": { "b": {}, } }',
    '{ "gateways": { "gw": { "ports": "9000-9003" } }, "devices": { "b": {}, "a": { "forwards": ["127.0.0.1:9000:localhost:22"] }, } }',
  ],
  [
    '{\r\n  "gateways": { "gw": { "ports": "9000-9003" } },\r\n  "devices": {\r\n    "b": {} // größer\r\n    ,\r\n  }\r\n}\r\n',
    '{\r\n  "gateways": { "gw": { "ports": "9000-9003" } },\r\n  "devices": {\r\n    "b": {} // größer\r\n    ,\r\n    "a": { "forwards": ["127.0.0.1:9000:localhost:22"] },\r\n  }\r\n}\r\n',
  ],
])('however it is laid out: %s', (before, after) => {
  expect(add(before, ['a'])).toBe(after)
  expect(parse(after).devices.at(-1)?.forwards[0]?.port).toBe(9000)
})

const two = `{
  "gateways": { "gw1": { "ports": "9000-9999" }, "gw2": { "ports": "9000-9009" }, "plain": {} },
  "devices": {
    "a": { "forwards": [{ "gateway": "gw1", "port": 9000, "host": "localhost", "hostPort": 22 }] },
  },
}
`

test('on two gateways it is the same port where one is free on both', () => {
  expect(
    add(two, ['b'], { address: 'b.site', to: { host: '::1', hostPort: 2222 } })
      .split('\n')
      .slice(4, 11)
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "    "b": {
          "address": "b.site",
          "forwards": [
            { "gateway": "gw1", "port": 9001, "host": "::1", "hostPort": 2222 },
            { "gateway": "gw2", "port": 9001, "host": "::1", "hostPort": 2222 },
          ],
        },"
  `)
  const full = add(two, 'bcdefghij'.split(''))
  const ports = parse(add(full, ['k'], { gateways: ['gw1'] })).devices.map(({ forwards }) =>
    forwards.map(({ port }) => port),
  )
  expect(ports.slice(-2)).toEqual([[9009, 9009], [9010]])
  const fuller = add(full, ['k'])
  expect(
    parse(fuller)
      .devices.at(-1)
      ?.forwards.map(({ port }) => port),
  ).toEqual([9010, 9000])
  expect(refusal(fuller, ['l'])).toBe('gw2 has no port left for l; widen its "ports"')
})

const grouped = `{
  "gateways": { "gw": { "ports": "9000-9999" } },
  "devices": { "logger": {} },
  "groups": {
    "sensors": {
      "devices": ["sensor{index}"], // by number
      "index": "001-300",
      "settings": { "forwards": ["10{index}:localhost:22"] },
    },
    "bare": { "devices": ["bare{index}"], "index": "1-3" },
    "berlin": { "devices": ["logger"] },
  },
}
`

test('in a group it has what the group gives, and its number where the group counts', () => {
  expect(add(grouped, ['sensor301', 'sensor305'], { group: 'sensors' })).toBe(grouped.replace('001-300', '001-301,305'))
  expect(add(grouped, ['bare4'], { group: 'bare' })).toBe(
    grouped
      .replace('1-3"', '1-4"')
      .replace('"logger": {} }', '"logger": {}, "bare4": { "forwards": ["127.0.0.1:9000:localhost:22"] } }'),
  )
  const berlin = add(grouped, ['cam'], { group: 'berlin' })
  expect(berlin).toContain('"devices": ["logger", "cam"]')
  expect(parse(berlin).devices.find(({ name }) => name === 'cam')?.forwards[0]?.port).toBe(9000)
})

test('what cannot be added is told, and nothing is written', () => {
  const nothing = '{ "gateways": { "gw": {} }, "devices": { "a": { "address": "192.0.2.1" } } }'
  expect(
    [
      refusal(nothing, ['b']),
      refusal('{ "devices": { "a": {} } }', ['b']),
      refusal(site, ['pi-1']),
      refusal(site, ['pi 3']),
      refusal(site, ['gw']),
      refusal(site, ['pi-3', 'pi-3']),
      refusal(site, ['pi-3'], { gateways: ['gww'] }),
      refusal(two, ['b'], { gateways: ['gw1', 'plain'] }),
      refusal(site, ['pi-3'], { group: 'berlin' }),
      refusal(grouped, ['cam'], { group: 'berlni' }),
      refusal(grouped, ['cam'], { group: 'sensors' }),
      refusal(site, ['pi-3', 'pi-4'], { address: '192.0.2.7' }),
      refusal(site, ['pi-3'], { address: 'pi@192.0.2.7' }),
    ].join('\n'),
  ).toMatchInlineSnapshot(`
    "gw has no "ports" to choose from; write which ports it may give to devices: "gw": { "ports": "9000-9999" }
    there is no gateway to open a port on; write one under "gateways"
    pi-1 is already in the inventory; change it there with your editor
    pi 3 cannot be added: devices."pi 3": "pi 3" is not a host name: use letters, digits, ".", "-" and "_" only; nothing was written
    gw cannot be added: devices.gw: the name is already used on line 3: give each machine a name of its own; nothing was written
    pi-3 is already in the inventory; change it there with your editor
    there is no gateway gww, did you mean "gw"?; undefined
    plain has no "ports" to choose from; write which ports it may give to devices: "plain": { "ports": "9000-9999" }
    there is no group berlin: known are none; undefined
    there is no group berlni, did you mean "berlin"?; undefined
    cam cannot be added: groups.sensors.devices[1]: has no {index}, which the settings of this group need: give it a group of its own; nothing was written
    pi-4 cannot be added: devices.pi-4.address: "pi-3" on line 10 has the same address and port: correct one of the two, or remove it; nothing was written
    pi-3 cannot be added: devices.pi-3.address: "pi@192.0.2.7" names a user too: write the user under "login"; nothing was written"
  `)
})

test.each([
  ['9000', 'is not a range of ports: write the first and the last, as in "9000-9999"'],
  ['0-9', 'port 0 means a different port'],
  ['9000-99999', '99999 is not a port'],
  ['9999-9000', 'runs backwards: write "9000-9999"'],
])('"ports": "%s" is refused', (ports, said) => {
  expect(() => parse(`{ "gateways": { "gw": { "ports": "${ports}" } } }`)).toThrow(
    `inventory.json:1:34 gateways.gw.ports: `,
  )
  expect(() => parse(`{ "gateways": { "gw": { "ports": "${ports}" } } }`)).toThrow(said)
})
