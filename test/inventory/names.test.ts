import { describe, expect, test } from 'vitest'
import { complaints } from './parse.ts'

describe('names that could do harm', () => {
  const name = (text: string) => complaints(JSON.stringify({ devices: { [text]: {} } }))

  test('never get in', () => {
    expect(name('a;rm -rf /')).toMatchInlineSnapshot(
      `"inventory.json:1:13 devices."a;rm -rf /": "a;rm -rf /" is not a host name: use letters, digits, ".", "-" and "_" only"`,
    )
    expect(name('-oProxyCommand=x')).toMatchInlineSnapshot(
      `"inventory.json:1:13 devices."-oProxyCommand=x": "-oProxyCommand=x" is not a host name: use letters, digits, ".", "-" and "_" only"`,
    )
    expect(name('-v')).toMatchInlineSnapshot(
      `"inventory.json:1:13 devices.-v: "-v" is not a host name: begin with a letter, a digit or "_""`,
    )
    expect(name('a\nHost *\u001b[2J\u202e')).toMatchInlineSnapshot(
      `"inventory.json:1:13 devices."a\\nHost *\\u001b[2J\\u202e": "a\\nHost *\\u001b[2J\\u202e" is not a host name: use letters, digits, ".", "-" and "_" only"`,
    )
    expect(name('../known_hosts')).toMatchInlineSnapshot(
      `"inventory.json:1:13 devices."../known_hosts": "../known_hosts" is not a host name: use letters, digits, ".", "-" and "_" only"`,
    )
    expect(name('.ssh')).toMatchInlineSnapshot(
      `"inventory.json:1:13 devices..ssh: ".ssh" is not a host name: begin with a letter, a digit or "_""`,
    )
    expect(name('')).toMatchInlineSnapshot(`"inventory.json:1:13 devices."": a host name cannot be empty"`)
    expect(name('2001:db8::1')).toMatchInlineSnapshot(
      `"inventory.json:1:13 devices."2001:db8::1": an IPv6 address cannot be a name: give the host a name, and write this as its "address""`,
    )
    expect(name('a'.repeat(254))).toMatch('is too long for a host name')
    expect(name('*')).toMatch('is not a host name')
    expect(name('münchen')).toMatch('is not a host name')
    expect(name('192.0.2.1')).toBe('no complaint')
    expect(name('_a-b.c_d')).toBe('no complaint')
  })

  test('nor do addresses', () => {
    const address = (text: string) => complaints(JSON.stringify({ gateways: { gw: { address: text } } }))
    expect(address('-oProxyCommand=x')).toMatchInlineSnapshot(
      `"inventory.json:1:30 gateways.gw.address: "-oProxyCommand=x" is not a host name: use letters, digits, ".", "-" and "_" only"`,
    )
    expect(address('user001@host')).toMatchInlineSnapshot(
      `"inventory.json:1:30 gateways.gw.address: "user001@host" names a user too: write the user under "login""`,
    )
    expect(address('host:22')).toMatchInlineSnapshot(
      `"inventory.json:1:30 gateways.gw.address: "host:22" holds a port too: write it under its own key"`,
    )
    expect(address('[::1]')).toMatchInlineSnapshot(
      `"inventory.json:1:30 gateways.gw.address: "[::1]": write an IPv6 address without brackets here"`,
    )
    expect(address('fe80::1%eth0')).toMatchInlineSnapshot(
      `"inventory.json:1:30 gateways.gw.address: "fe80::1%eth0" has a zone: leave out "%" and what follows"`,
    )
    expect(address('127.1')).toMatchInlineSnapshot(
      `"inventory.json:1:30 gateways.gw.address: "127.1" is not a complete IPv4 address: write four numbers, 0 to 255"`,
    )
    expect(address('300.0.0.1')).toMatch('is not a complete IPv4 address')
    expect(address('a b')).toMatch('is not a host name')
    expect(address('')).toMatch('cannot be empty')
    expect(address('2001:db8::1')).toBe('no complaint')
    expect(complaints('{ "gateways": { "gw": { "dial": { "address": "$(id)" } } } }')).toMatch('is not a host name')
  })

  test('nor do users and accounts', () => {
    const login = (user: string) => complaints(JSON.stringify({ login: { user }, gateways: {} }))
    expect(login('-l')).toMatchInlineSnapshot(
      `"inventory.json:1:18 login.user: "-l" is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter"`,
    )
    expect(login('root;id')).toMatch('is not a user name')
    expect(login('Anna.Meier')).toBe('no complaint')
    const account = (user: string) => complaints(JSON.stringify({ gateways: { gw: { accounts: { [user]: {} } } } }))
    expect(account('Anna.Meier')).toMatchInlineSnapshot(
      `"inventory.json:1:32 gateways.gw.accounts.Anna.Meier: "Anna.Meier" is not an account name: use lower-case letters, digits, "-" and "_", beginning with a letter"`,
    )
    expect(account('a'.repeat(33))).toMatch('too long')
    expect(account('../root')).toMatch('is not an account name')
    expect(account('machine$')).toBe('no complaint')
    expect(complaints('{ "clients": { "c": { "user": "a b", "identityFile": "me" } } }')).toMatchInlineSnapshot(`
      "inventory.json:1:1 inventory: contains no machine: add "gateways" and "devices"
      inventory.json:1:31 clients.c.user: "a b" is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter
      inventory.json:1:54 clients.c.identityFile: is a path on the client: begin it with / or ~/"
    `)
  })
})
