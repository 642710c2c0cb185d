import { describe, expect, test } from 'vitest'
import { complaints, parse } from './parse.ts'

describe('mistakes are told with their place and a way out', () => {
  test('unknown keys', () => {
    expect(
      complaints(`{
  "gateway": {},
  "gateways": { "gw": { "adress": "192.0.2.1", "colour": "red" } },
  "devices": { "pi": { "forwards": [{ "port": 9022, "host": "localhost", "hostport": 22 }] } },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:2:3 gateway: unknown key, did you mean "gateways"?
      inventory.json:3:25 gateways.gw.adress: unknown key, did you mean "address"?
      inventory.json:3:48 gateways.gw.colour: unknown key: known here are address, port, hostKeys, login, accounts, profile, passwordLogin, dial, tunnelAccount, listener and ports
      inventory.json:4:37 devices.pi.forwards[0]: "hostPort" is missing: add it
      inventory.json:4:74 devices.pi.forwards[0].hostport: unknown key, did you mean "hostPort"?"
    `)
  })

  test('wrong types', () => {
    expect(
      complaints(`{
  "login": "user001",
  "gateways": { "gw": { "port": "22", "hostKeys": "SHA256:x", "dial": { "port": 22.5 }, "accounts": [] }, "gw2": null },
  "devices": {
    "pi": { "forwards": "9022:localhost:22", "supervisor": "autosh", "via": [] },
    "pi2": { "forwards": [9022, ["9022:localhost:22"], { "port": 0, "host": "a", "hostPort": 65536, "expose": "true" }] },
    "pi3": { "via": ["direct", "direct"], "login": { "sudo": 1, "user": 7 }, "supervisor": "cron" },
  },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:2:12 login: must be an object, not text
      inventory.json:3:33 gateways.gw.port: must be a whole number, not text: write 22 without quotes
      inventory.json:3:51 gateways.gw.hostKeys: must be a list, not text: put it in [ ]
      inventory.json:3:81 gateways.gw.dial.port: must be a whole number, not a fraction
      inventory.json:3:101 gateways.gw.accounts: must be an object, not a list
      inventory.json:3:114 gateways.gw2: must be an object, not null
      inventory.json:5:25 devices.pi.forwards: must be a list, not text: put it in [ ]
      inventory.json:5:60 devices.pi.supervisor: "autosh" is unknown here, did you mean "autossh"?
      inventory.json:5:77 devices.pi.via: must not be empty: leave the key out instead
      inventory.json:6:27 devices.pi2.forwards[0]: must be text such as "9022:localhost:22", or an object, not a number
      inventory.json:6:33 devices.pi2.forwards[1]: must be text such as "9022:localhost:22", or an object, not a list
      inventory.json:6:66 devices.pi2.forwards[2].port: port 0 means a different port at every start: write one from 1 to 65535
      inventory.json:6:94 devices.pi2.forwards[2].hostPort: 65536 is not a port: write one from 1 to 65535
      inventory.json:6:111 devices.pi2.forwards[2].expose: must be true or false, not text: write true without quotes
      inventory.json:7:21 devices.pi3.via: holds the same entry twice: remove one
      inventory.json:7:62 devices.pi3.login.sudo: must be true or false, not a number
      inventory.json:7:73 devices.pi3.login.user: must be text, not a number: put it in double quotes
      inventory.json:7:92 devices.pi3.supervisor: "cron" is unknown here: write "systemd" or "autossh""
    `)
  })

  test('a Wi-Fi passphrase that stands in the inventory, and is not repeated', () => {
    const wifi = (text: string) => `{ "gateways": { "gw": {} }, "devices": { "pi": { "wifi": ${text} } } }`
    expect(
      [
        '{ "ssid": "home", "passphrase": "correct horse", "country": "de" }',
        '{ "ssid": "", "passphrase": "env:A-B" }',
        '{ "ssid": "home", "passphrase": 12345678 }',
        '{ "ssid": "home", "password": "correct horse" }',
      ]
        .map((text) => complaints(wifi(text)))
        .join('\n'),
    ).toMatchInlineSnapshot(`
      "inventory.json:1:90 devices.pi.wifi.passphrase: must not be in the inventory itself: write where the passphrase is kept, "env:NAME" or "file:PATH"
      inventory.json:1:118 devices.pi.wifi.country: must be a country code of two capital letters, such as "DE"
      inventory.json:1:68 devices.pi.wifi.ssid: is not the name of a Wi-Fi network: write 1 to 32 bytes, without control characters
      inventory.json:1:86 devices.pi.wifi.passphrase: is not the name of an environment variable: use letters, digits and "_"
      inventory.json:1:90 devices.pi.wifi.passphrase: must be text, not a number: put it in double quotes
      inventory.json:1:58 devices.pi.wifi: "passphrase" is missing: add it
      inventory.json:1:76 devices.pi.wifi.password: unknown key: known here are ssid, passphrase and country"
    `)
    expect(parse(wifi('{ "ssid": "home", "passphrase": "file:wifi", "country": "DE" }')).devices[0]?.wifi).toEqual({
      ssid: 'home',
      passphrase: { file: '/inventory/wifi' },
      country: 'DE',
    })
  })

  test('gateways of the wrong shape are not said to be missing too', () => {
    expect(
      complaints(`{ "gateways": [], "devices": { "pi": { "forwards": ["9022:localhost:22"], "via": ["gw"] } } }`),
    ).toMatchInlineSnapshot(`"inventory.json:1:15 gateways: must be an object, not a list"`)
    expect(
      complaints(`{ "gateways": { "gw": 7 }, "devices": { "pi": { "forwards": ["9022:localhost:22"] } } }`),
    ).toMatchInlineSnapshot(`"inventory.json:1:23 gateways.gw: must be an object, not a number"`)
  })

  test('not an inventory at all', () => {
    expect(complaints('[]')).toMatchInlineSnapshot(`"inventory.json:1:1 inventory: must be an object, not a list"`)
    expect(complaints('{}')).toMatchInlineSnapshot(
      `"inventory.json:1:1 inventory: contains no machine: add "gateways" and "devices""`,
    )
  })

  test('duplicate keys', () => {
    expect(
      complaints(`{
  "gateways": { "gw": {} },
  "devices": {
    "pi": { "forwards": ["9022:localhost:22"] },
    "pi": { "forwards": ["9023:localhost:22"], "port": 22, "port": 23 },
  },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:5:5 devices.pi: the same key as on line 4: join the two, or rename one
      inventory.json:5:60 devices.pi.port: the same key as on line 5: join the two, or rename one"
    `)
  })

  test('everything at once, in the order of the text', () => {
    expect(
      complaints(`{
  "logn": { "user": "user001" },
  "gateways": { "ssh-gw.guest.internal": { "port": "22", "login": { "user": "tunnel" } } },
  "devices": {
    "host-a.lan.internal": { "forwards": ["0.0.0.0:9022:localhost:22", "9022:localhost"] },
    "host-b.lan.internal": { "forwards": ["9022:localhost:22"], "accounts": { "user001": { "authorizedKeys": ["x"] } } },
  },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:2:3 logn: unknown key, did you mean "login"?
      inventory.json:3:52 gateways.ssh-gw.guest.internal.port: must be a whole number, not text: write 22 without quotes
      inventory.json:3:77 gateways.ssh-gw.guest.internal.login.user: "tunnel" is the tunnel account of ssh-gw.guest.internal, which nobody may log in to: log in as somebody else, or choose another "tunnelAccount"
      inventory.json:5:43 devices.host-a.lan.internal.forwards[0]: other machines than the gateway could reach this port: bind to 127.0.0.1, or allow it: { "bindAddress": "0.0.0.0", "port": 9022, "host": "localhost", "hostPort": 22, "expose": true }
      inventory.json:5:72 devices.host-a.lan.internal.forwards[1]: "9022:localhost" is not a forward: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      inventory.json:6:43 devices.host-b.lan.internal.forwards[0]: port 9022 on ssh-gw.guest.internal is taken by host-a.lan.internal (0.0.0.0:9022:localhost:22, line 5): choose another port
      inventory.json:6:111 devices.host-b.lan.internal.accounts.user001.authorizedKeys[0]: is neither a public key nor a path: write the line of a .pub file, or a path that begins with ./, / or ~/"
    `)
  })
})

test('a file in another format says which, and who reads it', () => {
  const texts = ['all:\n  hosts:\n', '---\n', '# x\n[pis]\npi1\n', 'Host gw\n  User x\n', 'hello there\n', ' \n']
  expect(texts.map((text) => complaints(text)).join('\n')).toMatchInlineSnapshot(`
    "inventory.json:1:1 inventory: is YAML, and an inventory is JSON: \`provision import\` makes one of it
    inventory.json:1:1 inventory: is YAML, and an inventory is JSON: \`provision import\` makes one of it
    inventory.json:1:1 inventory: is an inventory of Ansible in INI, and an inventory is JSON: \`provision import\` makes one of it
    inventory.json:1:1 inventory: is an ssh_config, and an inventory is JSON: \`provision import\` makes one of it
    inventory.json:1:1 inventory: is not JSON: begin with { "gateways": { }, "devices": { } }
    inventory.json:1:1 inventory: the file is empty: begin with { "gateways": { }, "devices": { } }"
  `)
})
