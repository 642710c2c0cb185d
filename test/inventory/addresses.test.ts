import { expect, test } from 'vitest'
import { addressAndPort, splitPort } from '../../src/inventory/addresses.ts'

test.each([
  ['gw.lan:2222', 'gw.lan', 2222],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['[2001:db8::1]:22', '2001:db8::1', 22],
  ['*:9022', '*', 9022],
])('%s is an address with a port', (text, address, port) => {
  expect(addressAndPort(text)).toEqual({ address, port })
})

test.each([
  'gw',
  '2001:db8::1',
  '[2001:db8::1]',
  '[gw]',
  'gw:',
  ':22',
  'gw:ssh',
  'gw:2 2',
  'gw:22:23',
  '[::1]22',
  'a b:22',
])('%j is none', (text) => {
  expect(addressAndPort(text)).toBeUndefined()
})

test('a port may be a token of ssh', () => {
  expect(splitPort('%h:%p')).toEqual(['%h', '%p'])
})
