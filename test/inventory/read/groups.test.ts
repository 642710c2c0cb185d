import { expect, test } from 'vitest'
import { placesIn } from '../../../src/inventory/edit/locations.ts'
import { complaints, parse } from '../parse.ts'

const fleet = `{
  "login": { "user": "user001", "identityFile": "~/.ssh/all" },
  "gateways": { "gw1": {}, "gw2": {} },
  "devices": {
    "logger.site": {},
    // This one is older.
    "sensor002.site": { "login": { "user": "pi" }, "supervisor": "autossh" },
  },
  "groups": {
    "sensors": {
      "devices": ["sensor{index}.site"],
      "index": "001-003",
      "settings": {
        "address": "sensor{index}.dhcp.site",
        "login": { "identityFile": "keys/{index}", "sudo": false },
        "supervisor": "systemd",
        "forwards": [
          { "gateway": "gw1", "port": "9{index}", "host": "localhost", "hostPort": 22 },
          { "gateway": "gw2", "port": "9{index}", "host": "printer{index}.site", "hostPort": 80 },
        ],
      },
    },
    "berlin": { "devices": ["logger.site", "sensor003.site"], "settings": { "recoverWithin": 60 } },
  },
}`

test('a group makes its devices, and gives them what they do not say themselves', () => {
  const { devices, groups } = parse(fleet)
  expect(groups).toEqual([
    { name: 'sensors', devices: ['sensor001.site', 'sensor002.site', 'sensor003.site'] },
    { name: 'berlin', devices: ['logger.site', 'sensor003.site'] },
  ])
  const shown = devices.map(({ name, address, login, supervisor, recoverWithin, forwards }) => {
    const doors = forwards.map(({ gateway, port, host }) => `${gateway}:${port}→${host}`).join(' ')
    return [name, address, login.user, login.identityFile, login.sudo, supervisor, recoverWithin, doors].join(' ')
  })
  expect(shown.join('\n')).toMatchInlineSnapshot(`
    "logger.site  user001 /home/user001/.ssh/all true systemd 60 
    sensor002.site sensor002.dhcp.site pi /inventory/keys/002 false autossh  gw1:9002→localhost gw2:9002→printer002.site
    sensor001.site sensor001.dhcp.site user001 /inventory/keys/001 false systemd  gw1:9001→localhost gw2:9001→printer001.site
    sensor003.site sensor003.dhcp.site user001 /inventory/keys/003 false systemd 60 gw1:9003→localhost gw2:9003→printer003.site"
  `)
})

test('words of -R take {index}, too', () => {
  const { devices } = parse(
    '{ "gateways": { "gw": {} }, "groups": { "g": { "devices": ["pi{index}"], "index": "8-9,11", "settings": { "forwards": ["90{index}:localhost:22"] } } } }',
  )
  expect(devices.map(({ name, forwards }) => [name, forwards[0]?.port])).toEqual([
    ['pi8', 908],
    ['pi9', 909],
    ['pi11', 9011],
  ])
})

test('a group without settings is a name', () => {
  const { devices, groups } = parse('{ "devices": { "a": {}, "b": {} }, "groups": { "some": { "devices": ["b"] } } }')
  expect(groups).toEqual([{ name: 'some', devices: ['b'] }])
  expect(devices.map(({ name }) => name)).toEqual(['a', 'b'])
})

test('login and accounts come from several groups, entry by entry', () => {
  const { devices } = parse(`{
    "devices": { "pi": { "login": { "sudo": false }, "accounts": { "own": {} } } },
    "groups": {
      "a": { "devices": ["pi"], "settings": { "login": { "user": "a", "sudo": true }, "accounts": { "own": { "exclusive": true, "authorizedKeys": [] } } } },
      "b": { "devices": ["pi"], "settings": { "login": { "identityFile": "~/b" }, "accounts": { "b": {} } } },
    },
  }`)
  expect(devices[0]?.login).toEqual({ user: 'a', identityFile: '/home/user001/b', sudo: false })
  expect(devices[0]?.accounts.map(({ name, exclusive }) => [name, exclusive])).toEqual([
    ['own', false],
    ['b', false],
  ])
})

test('groups alone make an inventory', () => {
  const { devices } = parse('{ "groups": { "g": { "devices": ["a{index}-{index}"], "index": "1" } } }')
  expect(devices.map(({ name }) => name)).toEqual(['a1-1'])
})

const group = (text: string) =>
  `{
  "gateways": { "gw": {} },
  "devices": { "pi": {}, "sensor7": { "forwards": ["9001:localhost:22"] } },
  "groups": { "g": ${text} },
}`

test('mistakes are told where they were written, once for all devices', () => {
  const texts = [
    '{ "devices": ["pie"] }',
    '{ "devices": [] }',
    '{ "index": "1-3" }',
    '{ "devices": ["sensor{index}"] }',
    '{ "devices": ["pi"], "index": "1-3" }',
    '{ "devices": ["a{index}", "b{index}"], "index": "1-3" }',
    '{ "devices": ["a{number}"], "index": "1-3" }',
    '{ "devices": ["a {index}"], "index": "1-300" }',
    '{ "devices": ["s{index}"], "index": "one to three" }',
    '{ "devices": ["s{index}"], "index": "01-100" }',
    '{ "devices": ["s{index}"], "index": "9-1" }',
    '{ "devices": ["s{index}"], "index": "1-9,3" }',
    '{ "devices": ["s{index}"], "index": "1-99999" }',
    '{ "devices": ["s{index}"], "index": 300 }',
    '{ "devices": ["pi"], "settings": { "address": "192.0.2.1", "hostKeys": ["SHA256:x"] } }',
    '{ "devices": ["pi", "s{index}"], "index": "1-3", "settings": { "forwards": ["9{index}:localhost:22"] } }',
    '{ "devices": ["s{index}"], "index": "1-300", "settings": { "forwards": ["9000:localhost:22"] } }',
    '{ "devices": ["s{index}"], "index": "5999-6004", "settings": { "forwards": ["6{index}:localhost:22"] } }',
    '{ "devices": ["s{index}"], "index": "1-9", "settings": { "forwards": [{ "port": "900{idx}", "host": "a", "hostPort": 22 }] } }',
    '{ "devices": ["pi"], "settings": { "forwards": [{ "port": "22", "host": "a", "hostPort": 22 }] } }',
    '{ "devices": ["s{index}"], "index": "1-9", "settings": { "suprvisor": "autossh", "via": ["gateway{index}"] } }',
    '{ "devices": ["s{index}"], "index": "1-9", "settings": { "login": { "user": "pi {index}" } } }',
    '{ "devices": ["s{index}"], "index": "1-9", "settings": { "login": { "user": "pi{index}" } } }',
    '{ "devices": ["gw"] }, "gw": { "devices": ["pi"] }, "a b": { "devices": ["pi"] }',
    '{ "devices": ["pi"], "settings": { "supervisor": "autossh" } }, "h": { "devices": ["pi"], "settings": { "supervisor": "systemd", "login": {} } }',
    '7',
  ]
  expect(texts.map((text) => `${text}\n${complaints(group(text))}`).join('\n')).toMatchInlineSnapshot(`
    "{ "devices": ["pie"] }
    inventory.json:4:34 groups.g.devices[0]: there is no device "pie", did you mean "pi"?
    { "devices": [] }
    inventory.json:4:33 groups.g.devices: must not be empty: leave the key out instead
    { "index": "1-3" }
    inventory.json:4:20 groups.g: "devices" is missing: add it
    { "devices": ["sensor{index}"] }
    inventory.json:4:20 groups.g: "index" is missing: write what {index} stands for, such as "001-300"
    { "devices": ["pi"], "index": "1-3" }
    inventory.json:4:50 groups.g.index: needs a name with {index} in it: write one under "devices" of this group
    { "devices": ["a{index}", "b{index}"], "index": "1-3" }
    inventory.json:4:46 groups.g.devices[1]: is the second name with {index} here: give each of them a group of its own
    { "devices": ["a{number}"], "index": "1-3" }
    inventory.json:4:34 groups.g.devices[0]: "a{number}": only {index} may be in braces here
    inventory.json:4:57 groups.g.index: needs a name with {index} in it: write one under "devices" of this group
    { "devices": ["a {index}"], "index": "1-300" }
    inventory.json:4:34 groups.g.devices[0]: "a 1" is not a host name: use letters, digits, ".", "-" and "_" only (a 1 and 299 more)
    { "devices": ["s{index}"], "index": "one to three" }
    inventory.json:4:56 groups.g.index: "one to three" is not a range of numbers: write it like "001-300", or "001-016,018"
    { "devices": ["s{index}"], "index": "01-100" }
    inventory.json:4:56 groups.g.index: "01-100": write both ends with the same number of digits, or without zeros before them
    { "devices": ["s{index}"], "index": "9-1" }
    inventory.json:4:56 groups.g.index: "9-1" runs backwards: write "1-9"
    { "devices": ["s{index}"], "index": "1-9,3" }
    inventory.json:4:56 groups.g.index: contains 3 twice: remove it from one part
    { "devices": ["s{index}"], "index": "1-99999" }
    inventory.json:4:56 groups.g.index: has more than 10000 numbers: check for a digit too many
    { "devices": ["s{index}"], "index": 300 }
    inventory.json:4:56 groups.g.index: must be text, not a number: put it in double quotes
    { "devices": ["pi"], "settings": { "address": "192.0.2.1", "hostKeys": ["SHA256:x"] } }
    inventory.json:4:66 groups.g.settings.address: belongs to one machine: put {index} into it, or write it under "devices"
    inventory.json:4:79 groups.g.settings.hostKeys: belong to one machine: write them under "devices"
    inventory.json:4:92 groups.g.settings.hostKeys[0]: is not a complete SHA256 fingerprint: copy "SHA256:" and the 43 characters after it from ssh-keygen -l (pi)
    { "devices": ["pi", "s{index}"], "index": "1-3", "settings": { "forwards": ["9{index}:localhost:22"] } }
    inventory.json:4:34 groups.g.devices[0]: has no {index}, which the settings of this group need: give it a group of its own
    { "devices": ["s{index}"], "index": "1-300", "settings": { "forwards": ["9000:localhost:22"] } }
    inventory.json:4:92 groups.g.settings.forwards[0]: port 9000 on gw is taken by s1 (127.0.0.1:9000:localhost:22, line 4): choose another port (s2 and 298 more)
    { "devices": ["s{index}"], "index": "5999-6004", "settings": { "forwards": ["6{index}:localhost:22"] } }
    inventory.json:4:96 groups.g.settings.forwards[0]: 65999 is not a port: write one from 1 to 65535 (s5999 and 5 more)
    { "devices": ["s{index}"], "index": "1-9", "settings": { "forwards": [{ "port": "900{idx}", "host": "a", "hostPort": 22 }] } }
    inventory.json:4:100 groups.g.settings.forwards[0].port: must be a whole number, not text (s1 and 8 more)
    { "devices": ["pi"], "settings": { "forwards": [{ "port": "22", "host": "a", "hostPort": 22 }] } }
    inventory.json:4:78 groups.g.settings.forwards[0].port: must be a whole number, not text: write 22 without quotes (pi)
    { "devices": ["s{index}"], "index": "1-9", "settings": { "suprvisor": "autossh", "via": ["gateway{index}"] } }
    inventory.json:4:77 groups.g.settings.suprvisor: unknown key, did you mean "supervisor"?
    inventory.json:4:109 groups.g.settings.via[0]: there is no route named "gateway1": write "direct", "forward" or "gw" (s1)
    { "devices": ["s{index}"], "index": "1-9", "settings": { "login": { "user": "pi {index}" } } }
    inventory.json:4:96 groups.g.settings.login.user: "pi 1" is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter (s1 and 8 more)
    { "devices": ["s{index}"], "index": "1-9", "settings": { "login": { "user": "pi{index}" } } }
    no complaint
    { "devices": ["gw"] }, "gw": { "devices": ["pi"] }, "a b": { "devices": ["pi"] }
    inventory.json:4:34 groups.g.devices[0]: there is no device "gw": only a name with {index} makes devices; write this one under "devices" too
    inventory.json:4:43 groups.gw: line 2 has a host of this name, and --limit could mean either: give the group another name
    inventory.json:4:72 groups."a b": "a b" is not a group name: use letters, digits, ".", "-" and "_" only
    { "devices": ["pi"], "settings": { "supervisor": "autossh" } }, "h": { "devices": ["pi"], "settings": { "supervisor": "systemd", "login": {} } }
    inventory.json:4:124 groups.h.settings.supervisor: pi already has "supervisor" from line 4: keep it in one of the groups, or write it under "devices"
    7
    inventory.json:4:20 groups.g: must be an object, not a number"
  `)
})

test('a port in the settings of no group cannot have {index}', () => {
  const port = (text: string) =>
    complaints(
      `{ "gateways": { "gw": {} }, "devices": { "pi": { "forwards": [{ "port": ${text}, "host": "a", "hostPort": 22 }] } } }`,
    )
  expect([port('"9{index}"'), port('"22"'), port('2.5'), port('70000')]).toMatchInlineSnapshot(`
    [
      "inventory.json:1:73 devices.pi.forwards[0].port: {index} may be used only in the settings of a group: write the port",
      "inventory.json:1:73 devices.pi.forwards[0].port: must be a whole number, not text: write 22 without quotes",
      "inventory.json:1:73 devices.pi.forwards[0].port: must be a whole number, not a fraction",
      "inventory.json:1:73 devices.pi.forwards[0].port: 70000 is not a port: write one from 1 to 65535",
    ]
  `)
})

test('what a group has given stands where the group says it', () => {
  const inventory = parse(fleet)
  const places = placesIn(fleet, inventory)
  const line = (text: string) => fleet.split('\n').findIndex((each) => each.includes(text)) + 1
  expect(places.host('sensor001.site')?.line).toBe(line('"sensor{index}.site"'))
  expect(places.host('sensor002.site')?.line).toBe(line('"sensor002.site"'))
  const forward = inventory.devices.find(({ name }) => name === 'sensor003.site')?.forwards[1]
  expect(forward && places.forward(forward)).toEqual({ line: line('printer{index}'), column: 11 })
})
