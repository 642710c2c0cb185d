import { describe, expect, test } from 'vitest'
import { admits, fromProblem } from '../../../src/inventory/read/from-patterns.ts'
import { complaints, KEY, parse } from '../parse.ts'

test.each([
  '127.0.0.1',
  '::1',
  '10.0.0.0/8',
  '!10.1.0.0/16',
  '2001:db8::/32',
  '2001:DB8:0:0::/64',
  '192.0.2.*',
  '10.0.0.?',
  'fe80:*',
  '*',
  '0.0.0.0/0',
  '::/0',
])('%s may stand in from', (entry) => {
  expect(fromProblem(entry)).toBeUndefined()
})

test.each([
  ['10.0.0.1/8', 'has bits set after its prefix'],
  ['2001:db8::1/32', 'has bits set after its prefix'],
  ['::ffff:10.0.0.1/96', 'has bits set after its prefix'],
  ['10.0.0.0/33', 'is not a network'],
  ['10.0.0/8', 'is not a network'],
  ['10.0.0.0/', 'is not a network'],
  ['2001:db8::/129', 'is not a network'],
  ['laptop.lan.internal', 'is a name'],
  ['*.lan.internal', 'is a name'],
  ['10.0.0', 'is not an address'],
  ['', 'is not an address'],
  ['10.0.0.1"', 'is not an address'],
  ['10.0.0.1,10.0.0.2', 'is not an address'],
  ['fe80::1%eth0', 'is not an address'],
  ['10.0.0.0/8 ', 'is not a network'],
])('%j may not', (entry, why) => {
  expect(fromProblem(entry)).toContain(why)
})

test.each([
  [['127.0.0.1', '::1'], '127.0.0.1', true],
  [['127.0.0.1', '::1'], '::1', true],
  [['0:0:0:0:0:0:0:1'], '::1', true],
  [['127.0.0.0/8'], '127.0.0.1', true],
  [['127.0.0.0/8'], '::1', false],
  [['127.*'], '127.0.0.1', true],
  [['127.0.0.?'], '127.0.0.1', true],
  [['127a0a0a1'], '127.0.0.1', false],
  [['*'], '::1', true],
  [['10.0.0.0/8', '192.0.2.1'], '127.0.0.1', false],
  [['*', '!127.0.0.0/8'], '127.0.0.1', false],
  [['!10.0.0.0/8', '*'], '127.0.0.1', true],
  [['!10.0.0.0/8'], '127.0.0.1', false],
] as const)('from %j, somebody at %s: %s', (from, address, taken) => {
  expect(admits(from, address)).toBe(taken)
})

describe('in an inventory', () => {
  const with_ = (from: string, device = '"forwards": ["9022:localhost:22"]') =>
    `{ "login": { "user": "pi" }, "gateways": { "gw": {} }, "devices": { "d": { ${device},
  "accounts": { "pi": { "authorizedKeys": ["${KEY}"], "from": ${from} } } } } }`

  test('it comes with its account, and what is left out stays out', () => {
    const accountsOf = (text: string) => parse(text).devices.flatMap(({ accounts }) => accounts)
    expect(accountsOf(with_('["127.0.0.1", "::1", "10.0.0.0/8"]'))).toMatchObject([
      { name: 'pi', from: ['127.0.0.1', '::1', '10.0.0.0/8'] },
    ])
    expect(accountsOf(with_('["*"]').replace(/, "from".*\]/, ''))).toMatchObject([
      expect.not.objectContaining({ from: expect.anything() }),
    ])
  })

  test('what is wrong with it is told with its place', () => {
    expect(complaints(with_('["10.0.0.1/8", "laptop"]'))).toMatchInlineSnapshot(`
      "inventory.json:2:138 devices.d.accounts.pi.from[0]: "10.0.0.1/8" has bits set after its prefix, which sshd refuses: write the network address
      inventory.json:2:152 devices.d.accounts.pi.from[1]: is a name, and sshd looks up no names (UseDNS no): write an address or a network instead"
    `)
    expect(complaints(with_('["!10.0.0.0/8"]'))).toMatchInlineSnapshot(
      `"inventory.json:2:137 devices.d.accounts.pi.from: admits nobody, because it holds exceptions only: add what may log in, such as "*""`,
    )
    expect(complaints(with_('[]'))).toMatchInlineSnapshot(
      `"inventory.json:2:137 devices.d.accounts.pi.from: must not be empty: leave the key out instead"`,
    )
  })

  test('one that shuts out our own login through the forward is refused', () => {
    expect(complaints(with_('["10.0.0.0/8"]'))).toMatchInlineSnapshot(
      `"inventory.json:2:137 devices.d.accounts.pi.from: would refuse your own login through the device's forward, which comes from 127.0.0.1 or ::1: add "127.0.0.1" and "::1""`,
    )
    expect(complaints(with_('["10.0.0.0/8", "127.0.0.1"]'))).toMatchInlineSnapshot(
      `"inventory.json:2:137 devices.d.accounts.pi.from: would refuse your own login through the device's forward, which comes from ::1: add "::1""`,
    )
    expect(complaints(with_('["10.0.0.0/8"]', '"forwards": ["9022:127.0.0.1:22"]'))).toContain('from 127.0.0.1: add')
    expect(complaints(with_('["10.0.0.0/8", "127.0.0.0/8", "::1"]'))).toBe('no complaint')
  })

  test('one for somebody else, or where no forward leads to its sshd, is the user’s own affair', () => {
    expect(complaints(with_('["10.0.0.0/8"]').replace('"user": "pi"', '"user": "other"'))).toBe('no complaint')
    expect(complaints(with_('["10.0.0.0/8"]', '"forwards": ["9631:printer:631"]'))).toBe('no complaint')
  })
})
