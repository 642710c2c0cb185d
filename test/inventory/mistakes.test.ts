import { describe, expect, test } from 'vitest'
import { complaints, KEY, PRIVATE, parse } from './parse.ts'

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
      inventory.json:6:66 devices.pi2.forwards[2].port: port 0 means another port at every start, which nobody could know: write one from 1 to 65535
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
      "inventory.json:1:90 devices.pi.wifi.passphrase: must not stand in the inventory: write where it is kept, "env:NAME" or "file:PATH"
      inventory.json:1:118 devices.pi.wifi.country: must be a country of two capital letters, such as "DE"
      inventory.json:1:68 devices.pi.wifi.ssid: is no name of a Wi-Fi network: write 1 to 32 bytes, without control characters
      inventory.json:1:86 devices.pi.wifi.passphrase: names no environment variable: use letters, digits and "_"
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
      `"inventory.json:1:1 inventory: names no machine: add "gateways" and "devices""`,
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
      "inventory.json:5:5 devices.pi: the same key again, first on line 4: join the two, or rename one
      inventory.json:5:60 devices.pi.port: the same key again, first on line 5: join the two, or rename one"
    `)
  })

  test('the same port twice', () => {
    expect(
      complaints(`{
  "gateways": { "gw1": {}, "gw2": {} },
  "devices": {
    "a": { "forwards": [{ "gateway": "gw1", "port": 9022, "host": "localhost", "hostPort": 22 }] },
    "b": { "forwards": [
      { "gateway": "gw2", "port": 9022, "host": "localhost", "hostPort": 22 },
      { "gateway": "gw1", "bindAddress": "0.0.0.0", "port": 9022, "host": "localhost", "hostPort": 22, "expose": true },
      { "gateway": "gw1", "bindAddress": "::1", "port": 9022, "host": "localhost", "hostPort": 22 },
      { "gateway": "gw1", "bindAddress": "localhost", "port": 9022, "host": "localhost", "hostPort": 22 },
    ] },
  },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:7:7 devices.b.forwards[1]: port 9022 on gw1 is taken by a (127.0.0.1:9022:localhost:22, line 4): choose another port
      inventory.json:8:7 devices.b.forwards[2]: port 9022 on gw1 is taken by b (0.0.0.0:9022:localhost:22, line 7): choose another port
      inventory.json:9:7 devices.b.forwards[3]: port 9022 on gw1 is taken by a (127.0.0.1:9022:localhost:22, line 4): choose another port"
    `)
  })

  test('127.0.0.1 and ::1 are two doors, and localhost is both', () => {
    const two = (a: string, b: string) => {
      return `{ "gateways": { "gw": {} }, "devices": { "pi": { "forwards": ["${a}:9022:localhost:22", "${b}:9022:localhost:22"] } } }`
    }
    expect(complaints(two('127.0.0.1', '[::1]'))).toBe('no complaint')
    expect(complaints(two('127.0.0.1', '127.0.0.2'))).toBe('no complaint')
    expect(complaints(two('localhost', '[::1]'))).toMatch('port 9022 on gw is taken by pi')
    expect(complaints(two('[::1]', '[0:0::1]'))).toMatch('port 9022 on gw is taken by pi')
  })

  test('gateways that are unknown, left out or missing', () => {
    expect(
      complaints(`{
  "gateways": { "ssh-gw1.guest.internal": {}, "ssh-gw2.guest.internal": {} },
  "devices": {
    "a": { "forwards": ["9022:localhost:22", { "gateway": "ssh-gw.guest.internal", "port": 9023, "host": "localhost", "hostPort": 22 }] },
    "b": { "forwards": [{ "gateway": "elsewhere", "port": 9023, "host": "localhost", "hostPort": 22 }] },
  },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:4:25 devices.a.forwards[0]: there are several gateways: say which one listens, as in { "gateway": "ssh-gw1.guest.internal", "port": 9022, "host": "localhost", "hostPort": 22 }
      inventory.json:4:59 devices.a.forwards[1].gateway: there is no gateway "ssh-gw.guest.internal", did you mean "ssh-gw1.guest.internal"?
      inventory.json:5:38 devices.b.forwards[0].gateway: there is no gateway "elsewhere": known are ssh-gw1.guest.internal, ssh-gw2.guest.internal"
    `)
    expect(complaints('{ "devices": { "pi": { "forwards": ["9022:localhost:22"] } } }')).toMatchInlineSnapshot(
      `"inventory.json:1:37 devices.pi.forwards[0]: there is no gateway to listen: add one under "gateways""`,
    )
  })

  test('ways in that are none', () => {
    expect(
      complaints(`{
  "gateways": { "gw": {}, "direct": {} },
  "devices": {
    "a": { "via": ["drect"] },
    "b": { "via": ["ssh-gw"] },
    "c": { "via": ["gw", "forward"], "port": 2222, "forwards": [{ "gateway": "gw", "port": 9023, "host": "printer", "hostPort": 22 }] },
  },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:2:27 gateways.direct: is a word of "via": give the gateway another name
      inventory.json:4:20 devices.a.via[0]: there is no way in named "drect", did you mean "direct"?
      inventory.json:5:20 devices.b.via[0]: there is no way in named "ssh-gw": write "direct", "forward" or "gw"
      inventory.json:6:26 devices.c.via[1]: no forward leads to the device's own sshd: add one such as "127.0.0.1:9022:localhost:2222""
    `)
    const own =
      '{ "gateways": { "gw": {} }, "devices": { "a": { "via": ["forward"], "forwards": ["9022:[::1]:22"] } } }'
    expect(parse(own).devices[0]?.via).toEqual(['forward'])
  })

  test('the same name, and the same address and port', () => {
    expect(
      complaints(`{
  "gateways": { "gw": { "address": "192.0.2.1" } },
  "devices": { "GW": {}, "pi": { "address": "192.0.2.1", "port": 22 }, "pi2": { "address": "192.0.2.1", "port": 2222 } },
  "clients": { "pi": {} },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:3:16 devices.GW: the name differs only in capitals from "gw", already on line 2: give each machine a name of its own
      inventory.json:3:45 devices.pi.address: "gw" on line 2 has the same address and port: one of the two is another machine, or one too many
      inventory.json:4:16 clients.pi: the name is already on line 3: give each machine a name of its own"
    `)
  })

  test('devices that are never dialled may share an address', () => {
    const device = '{ "address": "192.168.1.10", "via": ["forward"], "forwards": ["PORT:localhost:22"] }'
    const text = `{ "gateways": { "gw": {} }, "devices": { "a": ${device.replace('PORT', '9022')}, "b": ${device.replace('PORT', '9023')} } }`
    expect(complaints(text)).toBe('no complaint')
  })

  test('people in the tunnel account', () => {
    expect(
      complaints(`{
  "login": { "user": "tunnel" },
  "gateways": {
    "a": {},
    "b": { "tunnelAccount": "door", "login": { "user": "door" }, "accounts": { "door": {} } },
    "c": { "tunnelAccount": "root" },
    "d": { "tunnelAccount": "Tunnel" },
  },
}`),
    ).toMatchInlineSnapshot(`
      "inventory.json:4:10 gateways.a: "tunnel" is the tunnel account of a, which nobody may log in to: log in as somebody else, or choose another "tunnelAccount"
      inventory.json:5:56 gateways.b.login.user: "door" is the tunnel account of b, which nobody may log in to: log in as somebody else, or choose another "tunnelAccount"
      inventory.json:5:80 gateways.b.accounts.door: is the tunnel account of this gateway, whose keys are those of the devices: leave it out here
      inventory.json:6:29 gateways.c.tunnelAccount: must not be root: a stolen device key would own the gateway
      inventory.json:7:29 gateways.d.tunnelAccount: "Tunnel" is not an account name: use lower-case letters, digits, "-" and "_", beginning with a letter"
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
      inventory.json:5:43 devices.host-a.lan.internal.forwards[0]: others than the gateway itself would reach the port: bind to 127.0.0.1, or say that you want it: { "bindAddress": "0.0.0.0", "port": 9022, "host": "localhost", "hostPort": 22, "expose": true }
      inventory.json:5:72 devices.host-a.lan.internal.forwards[1]: "9022:localhost" is not a forward: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      inventory.json:6:43 devices.host-b.lan.internal.forwards[0]: port 9022 on ssh-gw.guest.internal is taken by host-a.lan.internal (0.0.0.0:9022:localhost:22, line 5): choose another port
      inventory.json:6:111 devices.host-b.lan.internal.accounts.user001.authorizedKeys[0]: is neither a public key nor a path: write the line of a .pub file, or a path that begins with ./, / or ~/"
    `)
  })
})

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
      `"inventory.json:1:30 gateways.gw.address: "127.1" is not a whole IPv4 address: write four numbers, 0 to 255"`,
    )
    expect(address('300.0.0.1')).toMatch('is not a whole IPv4 address')
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
      "inventory.json:1:1 inventory: names no machine: add "gateways" and "devices"
      inventory.json:1:31 clients.c.user: "a b" is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter
      inventory.json:1:54 clients.c.identityFile: is a path on the client: begin it with / or ~/"
    `)
  })
})

describe('keys', () => {
  const entry = (text: string, files = {}) => {
    const accounts = { user001: { authorizedKeys: [text] } }
    return complaints(JSON.stringify({ gateways: { gw: { accounts } } }), files)
  }

  test('a private key is refused wherever it turns up, and never printed', () => {
    const texts = [
      entry(PRIVATE),
      entry('~/.ssh/id_ed25519', { '/home/user001/.ssh/id_ed25519': PRIVATE }),
      entry('b3BlbnNzaC1rZXktdjEAAAAASECRET'),
      complaints(JSON.stringify({ gateways: { gw: { hostKeys: [PRIVATE] } } })),
      complaints(JSON.stringify({ login: { identityFile: PRIVATE }, gateways: {} })),
      complaints(JSON.stringify({ gateways: { [PRIVATE]: { [PRIVATE]: PRIVATE } } })),
      complaints(JSON.stringify({ gateways: { gw: { address: PRIVATE, tunnelAccount: PRIVATE } } })),
      complaints(JSON.stringify({ gateways: { gw: {} }, devices: { pi: { forwards: [PRIVATE], via: [PRIVATE] } } })),
      complaints(`{ "gateways": ${PRIVATE} }`),
    ]
    expect(texts.join('\n')).not.toMatch('SECRET')
    expect(texts.join('\n')).toMatchInlineSnapshot(`
      "inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is a private key, which must stay where it is: write the public one, from the .pub file beside it
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: "~/.ssh/id_ed25519" holds a private key: name the .pub file beside it
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is a private key, which must stay where it is: write the public one, from the .pub file beside it
      inventory.json:1:32 gateways.gw.hostKeys[0]: is a private key, which must stay where it is: write the public one, from the .pub file beside it
      inventory.json:1:26 login.identityFile: is a private key: keep it in a file, and write the path of that file
      inventory.json:1:14 gateways.a private key: a private key is not a host name: use letters, digits, ".", "-" and "_" only
      inventory.json:1:104 gateways.a private key.a private key: unknown key: known here are address, port, hostKeys, login, accounts, profile, passwordLogin, dial, tunnelAccount, listener and ports
      inventory.json:1:30 gateways.gw.address: a private key is not a host name: use letters, digits, ".", "-" and "_" only
      inventory.json:1:135 gateways.gw.tunnelAccount: a private key is too long for an account name: use at most 32 lower-case letters, digits, "-" and "_", beginning with a letter
      inventory.json:1:52 devices.pi.forwards[0]: a private key is not a forward: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      inventory.json:1:149 devices.pi.via[0]: there is no way in named a private key: write "direct", "forward" or "gw"
      inventory.json:1:15 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found something else
      inventory.json:2:1 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found something else
      inventory.json:3:1 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found something else
      inventory.json:4:2 inventory: not JSON: expected a value: text in double quotes, a number, true, false, [ or {; found something else"
    `)
  })

  test('what is no key is not printed either', () => {
    const texts = [
      entry('hunter2-SECRET'),
      entry('ssh-ed25519'),
      entry('ssh-ed25519 SECRET'),
      entry(`${KEY.slice(0, -8)}`),
      entry(KEY.replace('ssh-ed25519 ', 'ssh-rsa ')),
      entry('ssh-dss AAAASECRET'),
      entry('ssh-ed448 AAAASECRET'),
      entry('ssh-ed25519-cert-v01@openssh.com AAAASECRET'),
      entry(`${KEY}\n${KEY}`),
      entry(`command="SECRET ${KEY}`),
    ]
    expect(texts.join('\n')).not.toMatch('SECRET')
    expect(texts.join('\n')).toMatchInlineSnapshot(`
      "inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is neither a public key nor a path: write the line of a .pub file, or a path that begins with ./, / or ~/
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is no ssh-ed25519 key, its second word is not base64: copy the whole line of the .pub file again
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is no ssh-ed25519 key, its second word is not base64: copy the whole line of the .pub file again
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is no ssh-ed25519 key, its second word is of another kind, or not whole: copy the whole line of the .pub file again
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is no ssh-rsa key, its second word is of another kind, or not whole: copy the whole line of the .pub file again
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is a DSA key, which OpenSSH no longer accepts: make one with ssh-keygen -t ed25519
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: begins with ssh-ed448, which is no kind of key: known are ssh-ed25519, ssh-rsa, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, sk-ssh-ed25519@openssh.com and sk-ecdsa-sha2-nistp256@openssh.com
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is a certificate: write the plain public key, from the .pub file without "-cert"
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: holds a line break or control character: write one key per entry
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is not a public key: copy the one line of the .pub file"
    `)
  })

  test('files of keys', () => {
    const files = {
      '/inventory/keys/two.pub': `# me\n\n${KEY} me\r\n  from="192.0.2.0/24,\\"x" ${KEY} you\n${KEY} me\n`,
    }
    const text = '{ "gateways": { "gw": { "accounts": { "user001": { "authorizedKeys": ["keys/two.pub"] } } } } }'
    expect(parse(text, files).gateways[0]?.accounts[0]?.authorizedKeys).toEqual([
      `${KEY} me`,
      `from="192.0.2.0/24,\\"x" ${KEY} you`,
    ])
    expect(entry('keys/none.pub')).toMatchInlineSnapshot(
      `"inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: "/inventory/keys/none.pub" cannot be read: paths begin at the inventory's folder, at / or at ~/"`,
    )
    expect(entry('~other/id.pub')).toMatchInlineSnapshot(
      `"inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: "~other/id.pub": only "~/", your own home, is understood; write the whole path"`,
    )
    expect(entry('./empty.pub', { '/inventory/empty.pub': '\n# nothing\n' })).toMatchInlineSnapshot(
      `"inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: "./empty.pub" holds no key: name the .pub file of a key"`,
    )
    expect(entry('./bad.pub', { '/inventory/bad.pub': `${KEY}\n\nssh-ed25519 AAAASECRET\n` })).toMatchInlineSnapshot(
      `"inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: line 3 of "./bad.pub" is no ssh-ed25519 key, its second word is not base64: copy the whole line of the .pub file again"`,
    )
  })

  test('removing all keys takes an empty list', () => {
    const exclusive = (account: string) =>
      complaints(`{ "gateways": { "gw": { "accounts": { "user001": ${account} } } } }`)
    expect(exclusive('{ "exclusive": true }')).toMatchInlineSnapshot(
      `"inventory.json:1:65 gateways.gw.accounts.user001.exclusive: would remove every key of the account: list its "authorizedKeys" too ([] where that is what you want)"`,
    )
    expect(exclusive('{ "exclusive": true, "authorizedKeys": [] }')).toBe('no complaint')
  })

  test('pins of host keys', () => {
    const pin = (text: string) => complaints(JSON.stringify({ gateways: { gw: { hostKeys: [text] } } }))
    const texts = [
      pin('SHA256:short'),
      pin('sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'),
      pin('MD5:d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e'),
      pin(`gw ${KEY}`),
      pin(`@cert-authority * ${KEY}`),
      pin('@cert-authority SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'),
      pin(`@revoked ${KEY}`),
      pin('./gw.pub'),
    ]
    expect(texts.join('\n')).toMatchInlineSnapshot(`
      "inventory.json:1:32 gateways.gw.hostKeys[0]: is not a whole SHA256 fingerprint: copy "SHA256:" and the 43 characters after it from ssh-keygen -l
      inventory.json:1:32 gateways.gw.hostKeys[0]: is not a whole SHA256 fingerprint: copy "SHA256:" and the 43 characters after it from ssh-keygen -l
      inventory.json:1:32 gateways.gw.hostKeys[0]: is an MD5 fingerprint, which proves too little: write the SHA256 one of ssh-keygen -l -E sha256
      inventory.json:1:32 gateways.gw.hostKeys[0]: is a line of known_hosts: leave out its first word, the host
      inventory.json:1:32 gateways.gw.hostKeys[0]: is a line of known_hosts: leave out its first word, the host
      inventory.json:1:32 gateways.gw.hostKeys[0]: is the fingerprint of an authority, which is not enough: write its public key
      inventory.json:1:32 gateways.gw.hostKeys[0]: begins with a marker that is not known here: @cert-authority is
      inventory.json:1:32 gateways.gw.hostKeys[0]: is not a public key: copy the one line of the .pub file"
    `)
  })
})
