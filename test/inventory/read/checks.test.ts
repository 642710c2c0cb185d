import { describe, expect, test } from 'vitest'
import { complaints, parse } from '../parse.ts'

describe('mistakes are told with their place and a way out', () => {
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
      "inventory.json:4:25 devices.a.forwards[0]: there are several gateways: write which one listens, as in { "gateway": "ssh-gw1.guest.internal", "port": 9022, "host": "localhost", "hostPort": 22 }
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
      "inventory.json:2:27 gateways.direct: has a special meaning in "via": give the gateway another name
      inventory.json:4:20 devices.a.via[0]: there is no route named "drect", did you mean "direct"?
      inventory.json:5:20 devices.b.via[0]: there is no route named "ssh-gw": write "direct", "forward" or "gw"
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
      "inventory.json:3:16 devices.GW: the name differs only in capitals from "gw" on line 2: give each machine a name of its own
      inventory.json:3:45 devices.pi.address: "gw" on line 2 has the same address and port: correct one of the two, or remove it
      inventory.json:4:16 clients.pi: the name is already used on line 3: give each machine a name of its own"
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
})

test('behind two gateways the same address is two machines, behind one it is one', () => {
  const behind = (...gateways: string[]) => {
    const devices = gateways.map((via, at) => [`d${at}`, { address: '10.0.0.1', via: [via] }])
    return complaints(JSON.stringify({ gateways: { g: {}, h: {} }, devices: Object.fromEntries(devices) }))
  }
  expect(behind('g', 'h')).toBe('no complaint')
  expect(behind('g', 'g')).toContain('"d0" on line 1 has the same address and port')
  expect(behind('g', 'direct', 'direct')).toContain('"d1" on line 1 has the same address and port')
})
