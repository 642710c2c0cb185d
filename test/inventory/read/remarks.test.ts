import { expect, test } from 'vitest'
import { remarksOn } from '../../../src/inventory/read/remarks.ts'
import { parse } from '../parse.ts'

test('a device without forwards and a key that is not there are told', () => {
  const inventory = parse(`{
    "login": { "identityFile": "~/.ssh/gone" },
    "gateways": { "gw": { "login": { "identityFile": "/there" } } },
    "devices": { "a": {}, "b": { "forwards": ["9022:localhost:22"] } },
  }`)
  expect(remarksOn(inventory, (path) => path === '/there')).toEqual([
    'devices.a: has no forward, so there is no tunnel to it: add one under "forwards"',
    'identityFile: there is no file "/home/user001/.ssh/gone"',
  ])
})
