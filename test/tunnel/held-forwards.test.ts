import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printListener } from '../../src/inventory/forward.ts'
import { inspectHeldForwards, parseHeldForwards, parseListener, whoseKey } from '../../src/tunnel/held-forwards.ts'
import { complaints } from '../resources/golden.ts'

const socket = (unit: string, ...lines: string[]) =>
  lines.map((line) => `reverse-tunnel-${unit}.socket:${line}\n`).join('')
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIofpi'

test('doors are the sockets of ours, and what key lines let a session open', () => {
  const observed =
    socket('127.0.0.1_9022', '# provision k7w2m9qd pi.lan', 'Description=127.0.0.1:9022 of pi.lan') +
    socket('__1_9024', '# provision k7w2m9qd pi.lan', 'Description=[::1]:9024 of pi.lan') +
    `restrict,port-forwarding,permitlisten="127.0.0.1:9030",permitlisten="*:9031" ${key} provision zzzz9999 qi.lan\n`
  const pi = { device: 'pi.lan', listener: 'socket', mark: { inventory: 'k7w2m9qd', device: 'pi.lan' } }
  const qi = { device: 'qi.lan', listener: 'sshd', mark: { inventory: 'zzzz9999', device: 'qi.lan' } }
  expect(parseHeldForwards(observed)).toEqual([
    { ...pi, bindAddress: '127.0.0.1', port: 9022 },
    { ...pi, bindAddress: '::1', port: 9024 },
    { ...qi, bindAddress: '127.0.0.1', port: 9030 },
    { ...qi, bindAddress: '*', port: 9031 },
  ])
})

test('those of an earlier version have no mark, and are known by what they say', () => {
  const observed =
    socket('127.0.0.1_9022', 'Description=127.0.0.1:9022 of pi.lan') +
    `restrict,port-forwarding,permitlisten="127.0.0.1:9030" ${key} pi.lan\n`
  expect(parseHeldForwards(observed).map(({ device, port, mark }) => [device, port, mark])).toEqual([
    ['pi.lan', 9022, undefined],
    ['pi.lan', 9030, undefined],
  ])
})

test('a socket of somebody else is none, whatever it is called', () => {
  expect(parseHeldForwards(socket('web', 'Description=Web page of the printer'))).toEqual([])
  expect(parseHeldForwards(socket('web', 'Description=9022 of pi'))).toEqual([])
  expect(parseHeldForwards(`${key} somebody@laptop\n# permitlisten="127.0.0.1:9022"\n`)).toEqual([])
})

test('a place is read as it is printed', () => {
  const bindAddress = fc.constantFrom('127.0.0.1', '127.0.0.3', '*', '0.0.0.0', '::1', '::', '192.0.2.7')
  fc.assert(
    fc.property(bindAddress, fc.integer({ min: 1, max: 65535 }), (address, port) => {
      expect(parseListener(printListener({ bindAddress: address, port }))).toEqual({ bindAddress: address, port })
    }),
  )
  for (const text of ['9022', 'localhost', '127.0.0.1:', '127.0.0.1:x', '[::1]'])
    expect(parseListener(text)).toBeUndefined()
})

test('whose key a line is says its mark, else its comment', () => {
  expect(whoseKey({ comment: 'provision - pi.lan' })).toEqual({
    device: 'pi.lan',
    mark: { inventory: '-', device: 'pi.lan' },
  })
  expect(whoseKey({ comment: 'pi.lan' })).toEqual({ device: 'pi.lan' })
})

test('what is asked is shell that dash and shellcheck have nothing against', () => {
  expect(complaints([inspectHeldForwards])).toBe('')
})
