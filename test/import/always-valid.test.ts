import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { InventoryError } from '../../src/errors.ts'
import type { Found, FoundHost } from '../../src/import/found.ts'
import { inventoryOf } from '../../src/import/inventory-of.ts'
import { printInventory } from '../../src/import/print.ts'
import { parse } from '../inventory/parse.ts'

const names = ['a', 'B', 'b', 'gw', 'GW', 'gw2', 'direct', '203.0.113.7', '2001:db8::6', '-x', 'a b', 'é', 'x.lan', '']
const name = fc.constantFrom(...names)
const address = fc.constantFrom(
  ...['10.0.0.1', '127.0.0.1', 'localhost', '::1', '0.0.0.0', '2001:db8:0::6', '203.0.113.7', 'fe80::1%eth0'],
  ...['10.0.1', 'x.lan', 'me@x', 'x:22', ''],
)
const port = fc.constantFrom(22, 2222, 9000, 9001, 0, 70000)
const jump = fc
  .tuple(fc.constantFrom('', 'me@', 'ssh://'), fc.oneof(name, address), fc.constantFrom('', ':22', ':2222', ':0'))
  .map(([user, host, end]) => `${user}${host.includes(':') ? `[${host}]` : host}${end}`)
const words = fc.record(
  {
    gateway: jump,
    bindAddress: fc.constantFrom('*', '127.0.0.1', 'localhost', '::1', '0.0.0.0'),
    port: fc.constantFrom(9000, 9001),
    host: fc.constantFrom('localhost', '::1', 'nas.lan'),
    hostPort: fc.constantFrom(22, 80),
  },
  { requiredKeys: ['gateway', 'port', 'host', 'hostPort'] },
)
const host: fc.Arbitrary<FoundHost> = fc.record(
  {
    name,
    aliases: fc.array(name, { maxLength: 2 }),
    address,
    port,
    user: fc.constantFrom('pi', 'tunnel', 'root', 'DOMAIN\\u', ''),
    identityFile: fc.constantFrom('~/.ssh/k', '/k', '~other/k', 'k', ''),
    jumps: fc.array(jump, { maxLength: 2 }),
    opened: fc.boolean(),
    dials: fc.array(words, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['name', 'jumps'] },
)
const found: fc.Arbitrary<Found> = fc.record({
  hosts: fc.array(host, { maxLength: 6 }),
  groups: fc.array(fc.record({ name, members: fc.array(name, { maxLength: 4 }) }), { maxLength: 3 }),
  left: fc.constant([]),
})
const choices = fc.record({
  gateways: fc.array(fc.oneof(name, jump), { maxLength: 2 }),
  ports: fc.constantFrom(undefined, '9000-9000', '9000-9999'),
  skip: fc.array(name, { maxLength: 1 }),
})

test('whatever a file says, what comes of it is a correct inventory, or a refusal', () => {
  fc.assert(
    fc.property(found, choices, (read, chosen) => {
      let made: ReturnType<typeof inventoryOf>
      try {
        made = inventoryOf(read, chosen)
      } catch (error) {
        expect(error).toBeInstanceOf(InventoryError)
        return
      }
      const printed = printInventory(made.file, 'Made.')
      parse(printed)
      // Nobody is lost without a word.
      const told = [...made.left, ...made.told].join('\n')
      const silent = read.hosts.filter(({ name: each }) => {
        const isSkipped = chosen.skip.length > 0
        return !isSkipped && !printed.includes(JSON.stringify(each)) && !told.includes(each) && !/ more: /.test(told)
      })
      expect(silent).toEqual([])
    }),
    { numRuns: 2000 },
  )
})
