import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical, isLoopback, overlap } from '../../src/inventory/addresses.ts'
import { isOwnSshd, parseForward, printForward } from '../../src/inventory/forward.ts'
import { complaints, forwardComplaint, parse } from './parse.ts'

const port = fc.integer({ min: 1, max: 65535 })
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}(\.[a-z][a-z0-9-]{0,10}){0,3}$/)
const address = fc.oneof(name, fc.ipV4(), fc.ipV6().map(canonical))
const bindAddress = fc.oneof(address, fc.constant('*'))

describe('a forward as text', () => {
  test('what is printed is read back the same', () => {
    fc.assert(
      fc.property(fc.record({ bindAddress, port, host: address, hostPort: port }), (forward) => {
        expect(parseForward(printForward(forward))).toEqual({ words: forward })
      }),
    )
  })

  test('whatever is read never holds what a shell or a configuration file could take for its own', () => {
    const piece = fc.constantFrom(
      '127.0.0.1',
      '9022',
      'localhost',
      '22',
      ':',
      '[',
      ']',
      '[::1]',
      '*',
      '/',
      ' ',
      '\n',
      '%',
      '-o',
      ';',
      'é',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(text, (text) => {
        const reading = parseForward(text)
        if ('problem' in reading) {
          expect(reading.problem).not.toMatch(/[\u0000-\u001f]/)
          return
        }
        const { bindAddress = '*', host } = reading.words
        expect(`${bindAddress}${host}`).toMatch(/^[A-Za-z0-9._:*-]+$/)
        expect(`${bindAddress} ${host}`).not.toMatch(/(^| )[-.]/)
      }),
      { numRuns: 2000 },
    )
  })

  test('the words of ssh(1)', () => {
    const words = { port: 9022, host: 'localhost', hostPort: 22 }
    expect(parseForward('9022:localhost:22')).toEqual({ words })
    expect(parseForward(':9022:localhost:22')).toEqual({ words: { ...words, bindAddress: '' } })
    expect(parseForward('*:9022:localhost:22')).toEqual({ words: { ...words, bindAddress: '*' } })
    expect(parseForward('[::1]:9022:[fe80::1]:22')).toEqual({
      words: { ...words, bindAddress: '::1', host: 'fe80::1' },
    })
  })

  test('mistakes', () => {
    const forwards = [
      '-R 9022:localhost:22',
      '9022',
      '9022:localhost',
      'localhost:22',
      '',
      '9022:/run/x.sock',
      '9022/localhost/22',
      '::1:9022:localhost:22',
      '[::1:9022:localhost:22',
      '[printer]:9022:localhost:22',
      '9022:localhost:ssh',
      '9022::22',
      '9022:local host:22',
      '9022:-oProxyCommand=x:22',
      '9022:localhost:22\n',
      '70000:localhost:22',
      '0:localhost:22',
      '9022:localhost:0',
      '1022:localhost:22',
      '0.0.0.0:9022:localhost:22',
      ':9022:localhost:22',
      'gw.guest.internal:9022:localhost:22',
      '127.1:9022:localhost:22',
      { port: 1022, host: 'localhost', hostPort: 22, listener: 'sshd' },
      { port: 9022, host: 'localhost', hostPort: 22, bindAddress: '::' },
      { port: 9022, host: 'localhost:22', hostPort: 22 },
      { port: 9022, host: 'localhost' },
    ]
    const texts = forwards.map((forward) => `${JSON.stringify(forward)}\n  ${forwardComplaint(forward)}`)
    expect(texts.join('\n')).toMatchInlineSnapshot(`
      ""-R 9022:localhost:22"
        leave out "-R": only what follows it belongs here
      "9022"
        a port alone would be a SOCKS proxy into the device's network: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      "9022:localhost"
        "9022:localhost" is not a forward: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      "localhost:22"
        "localhost:22" is not a forward: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      ""
        "" is not a forward: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      "9022:/run/x.sock"
        unix sockets and "/" are not supported here: write port:host:hostport
      "9022/localhost/22"
        unix sockets and "/" are not supported here: write port:host:hostport
      "::1:9022:localhost:22"
        "::1:9022:localhost:22" has too many parts: put an IPv6 address in brackets, as in "9022:[::1]:22"
      "[::1:9022:localhost:22"
        "[::1:9022:localhost:22" is not a forward: the brackets of an IPv6 address do not match; write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      "[printer]:9022:localhost:22"
        "[printer]:9022:localhost:22" is not a forward: the brackets of an IPv6 address do not match; write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      "9022:localhost:ssh"
        "ssh" is not a port: write a number from 1 to 65535
      "9022::22"
        the host is missing: "localhost" is the device itself
      "9022:local host:22"
        "local host" is not a host name: use letters, digits, ".", "-" and "_" only
      "9022:-oProxyCommand=x:22"
        "-oProxyCommand=x" is not a host name: use letters, digits, ".", "-" and "_" only
      "9022:localhost:22\\n"
        "22\\n" is not a port: write a number from 1 to 65535
      "70000:localhost:22"
        70000 is not a port: write one from 1 to 65535
      "0:localhost:22"
        port 0 means a different port at every start: write one from 1 to 65535
      "9022:localhost:0"
        port 0 means a different port at every start: write one from 1 to 65535
      "1022:localhost:22"
        no complaint
      "0.0.0.0:9022:localhost:22"
        other machines than the gateway could reach this port: bind to 127.0.0.1, or allow it: { "bindAddress": "0.0.0.0", "port": 9022, "host": "localhost", "hostPort": 22, "expose": true }
      ":9022:localhost:22"
        other machines than the gateway could reach this port: bind to 127.0.0.1, or allow it: { "bindAddress": "*", "port": 9022, "host": "localhost", "hostPort": 22, "expose": true }
      "gw.guest.internal:9022:localhost:22"
        other machines than the gateway could reach this port: bind to 127.0.0.1, or allow it: { "bindAddress": "gw.guest.internal", "port": 9022, "host": "localhost", "hostPort": 22, "expose": true }
      "127.1:9022:localhost:22"
        bind address: "127.1" is not a complete IPv4 address: write four numbers, 0 to 255
      {"port":1022,"host":"localhost","hostPort":22,"listener":"sshd"}
        port 1022: sshd opens ports below 1024 for root only; write "listener": "socket", or choose a port from 1024 on
      {"port":9022,"host":"localhost","hostPort":22,"bindAddress":"::"}
        other machines than the gateway could reach this port: bind to 127.0.0.1, or allow it: { "port": 9022, "host": "localhost", "hostPort": 22, "bindAddress": "::", "expose": true }
      {"port":9022,"host":"localhost:22","hostPort":22}
        "localhost:22" holds a port too: write it under its own key
      {"port":9022,"host":"localhost"}
        "hostPort" is missing: add it"
    `)
  })
})

test('a gateway may say who opens its ports, and the forwards of a device on it must agree', () => {
  const inventory = (...forwards: object[]) =>
    JSON.stringify({
      gateways: { gw: { listener: 'sshd' } },
      devices: {
        pi: { forwards: forwards.map((more, at) => ({ port: 9022 + at, host: 'localhost', hostPort: 22, ...more })) },
      },
    })
  expect(parse(inventory({})).devices[0]?.forwards[0]?.listener).toBe('sshd')
  expect(complaints(inventory({}, { listener: 'socket' }))).toMatch(
    /forwards\[1\]: 127\.0\.0\.1:9022:localhost:22 on line 1 has "listener": "sshd", and all forwards of a device on one gateway must have the same: choose one/,
  )
})

test('addresses that overlap', () => {
  for (const everywhere of ['*', '0.0.0.0', '::', '0:0:0:0:0:0:0:0']) {
    fc.assert(fc.property(bindAddress, (other) => overlap(everywhere, other) && overlap(other, everywhere)))
  }
  fc.assert(fc.property(bindAddress, (one) => overlap(one, one)))
  expect(overlap('GW.internal', 'gw.INTERNAL')).toBe(true)
  expect(overlap('192.0.2.1', '192.0.2.2')).toBe(false)
})

test('loopback', () => {
  expect(['127.0.0.1', '127.1.2.3', '::1', '0:0::1', 'LOCALHOST'].filter(isLoopback)).toHaveLength(5)
  expect(['*', '', '0.0.0.0', '::', '128.0.0.1', '127.evil.example', '::ffff:127.0.0.1'].filter(isLoopback)).toEqual([])
})

test("the device's own sshd", () => {
  expect(isOwnSshd({}, { host: 'localhost', hostPort: 22 })).toBe(true)
  expect(isOwnSshd({ port: 2222 }, { host: '::1', hostPort: 2222 })).toBe(true)
  expect(isOwnSshd({}, { host: '127.0.0.1', hostPort: 2222 })).toBe(false)
  expect(isOwnSshd({}, { host: 'printer.lan.internal', hostPort: 22 })).toBe(false)
})
