import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { InventoryError } from '../../../src/errors.ts'
import { parseInventory, readInventory } from '../../../src/inventory/read/inventory.ts'
import { complaints, KEY, parse, RSA } from '../parse.ts'

const examples = resolve(import.meta.dirname, '../../../inventory/examples')
const folder = mkdtempSync(join(tmpdir(), 'provision-inventory-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the examples', () => {
  test.each(readdirSync(examples).filter((name) => name.endsWith('.json')))(
    '%s is a correct inventory',
    async (name) => {
      const inventory = await readInventory(join(examples, name))
      expect(inventory.devices.flatMap((device) => device.forwards)).not.toEqual([])
    },
  )

  test('guest-lan.json, with every default written out', async () => {
    const text = readFileSync(join(examples, 'guest-lan.json'), 'utf8')
    const inventory = parseInventory(text, {
      file: 'guest-lan.json',
      directory: '/inventory',
      home: '/home/user001',
      readText: () => undefined,
    })
    await expect(`${JSON.stringify(inventory, null, 2)}\n`).toMatchFileSnapshot(
      '../../golden/inventory/guest-lan.golden',
    )
  })

  test('accounts.json brings the keys of its .pub file, without the comments', async () => {
    const { devices } = await readInventory(join(examples, 'accounts.json'))
    expect(devices[0]?.accounts.map(({ name, exclusive }) => ({ name, exclusive }))).toEqual([
      { name: 'user001', exclusive: false },
      { name: 'user002', exclusive: true },
    ])
    expect(devices[0]?.accounts[1]?.authorizedKeys).toEqual([
      expect.stringMatching(/^ssh-ed25519 AAAA\S+ user002@host001\.guest\.internal$/),
    ])
  })
})

test('the types and the validator belong to the schema', () => {
  execFileSync(process.execPath, ['scripts/generate.js', '--check'], { cwd: resolve(import.meta.dirname, '../../..') })
})

describe('defaults', () => {
  test('a gateway is dialled where it is reached, unless it says otherwise', () => {
    const { gateways } = parse(`{ "gateways": {
      "a": {},
      "b": { "address": "192.0.2.1", "port": 2222 },
      "c": { "address": "192.0.2.2", "port": 2222, "dial": { "address": "gw.lan.internal" } },
    } }`)
    expect(gateways.map((gateway) => [gateway.address, gateway.port, gateway.dial])).toEqual([
      [undefined, undefined, { address: 'a', port: 22 }],
      ['192.0.2.1', 2222, { address: '192.0.2.1', port: 2222 }],
      ['192.0.2.2', 2222, { address: 'gw.lan.internal', port: 2222 }],
    ])
  })

  test("a host's login goes before the inventory's, key by key", () => {
    const { gateways } = parse(`{
      "login": { "user": "user001", "identityFile": "~/.ssh/id_ed25519" },
      "gateways": { "a": {}, "b": { "login": { "user": "root", "sudo": false, "transport": "openssh" } }, "c": { "login": { "identityFile": "keys/c" } } },
    }`)
    expect(gateways.map((gateway) => gateway.login)).toEqual([
      { user: 'user001', identityFile: '/home/user001/.ssh/id_ed25519', sudo: true },
      { user: 'root', identityFile: '/home/user001/.ssh/id_ed25519', sudo: false, transport: 'openssh' },
      { user: 'user001', identityFile: '/inventory/keys/c', sudo: true },
    ])
  })

  test('a key file of a client stays as written: it lies on the client', () => {
    expect(
      parse(`{ "gateways": {}, "clients": { "host001": { "identityFile": "~/.ssh/me", "port": 2222 } } }`).clients,
    ).toEqual([{ name: 'host001', identityFile: '~/.ssh/me', port: 2222 }])
  })

  test('a forward without a bind address is for the gateway itself only', () => {
    const { devices } = parse(`{ "gateways": { "gw": {} }, "devices": { "pi": { "forwards": [
      "9022:localhost:22",
      "localhost:9023:printer.lan.internal:80",
      "[0:0:0:0:0:0:0:1]:9024:[fe80::1]:22",
      { "port": 9025, "host": "::1", "hostPort": 22, "expose": true },
      { "bindAddress": "", "port": 9026, "host": "localhost", "hostPort": 22, "expose": true },
    ] } } }`)
    const common = { device: 'pi', gateway: 'gw', listener: 'socket', expose: false }
    expect(devices[0]?.forwards).toEqual([
      { ...common, bindAddress: '127.0.0.1', port: 9022, host: 'localhost', hostPort: 22 },
      { ...common, bindAddress: '127.0.0.1', port: 9023, host: 'printer.lan.internal', hostPort: 80 },
      { ...common, bindAddress: '::1', port: 9024, host: 'fe80::1', hostPort: 22 },
      { ...common, bindAddress: '127.0.0.1', port: 9025, host: '::1', hostPort: 22 },
      { ...common, bindAddress: '*', port: 9026, host: 'localhost', hostPort: 22, expose: true },
    ])
  })

  test('pins are kept without their comments', () => {
    const print = 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'
    const { gateways } = parse(`{ "gateways": { "gw": { "hostKeys": ["${KEY} root@gw", "${RSA}", "${print}"] } } }`)
    expect(gateways[0]?.hostKeys).toEqual([KEY, RSA, print])
  })

  test('a host may be called __proto__', () => {
    expect(parse('{ "gateways": { "__proto__": {} } }').gateways.map((gateway) => gateway.name)).toEqual(['__proto__'])
  })

  test('devices without forwards need no gateway', () => {
    expect(parse('{ "devices": { "pi": {} } }').devices[0]?.via).toEqual(['direct', 'forward'])
  })
})

describe('a text that is not JSON', () => {
  test('is told with the place and what was expected there', () => {
    const texts = [
      '',
      '  // nothing yet\n',
      '{',
      '{ "gateways": { "a": {} "b": {} } }',
      '{\n  "gateways": { "a": {} }\n  "devices": {}\n}',
      '{ gateways: {} }',
      "{ 'gateways': {} }",
      '{ "gateways": {\n  "a": { "address": "x\n} } }',
      '{ "gateways": yes }',
      '{ "gateways" {} }',
      '{ "gateways": {} } }',
      '{ "gateways": {} /* }',
      '{ "gateways": { "a\tb": {} } }',
    ]
    expect(texts.map((text) => `${JSON.stringify(text)}\n${complaints(text)}`).join('\n')).toMatchInlineSnapshot(`
      """
      inventory.json:1:1 inventory: the file is empty: begin with { "gateways": { }, "devices": { } }
      "  // nothing yet\\n"
      inventory.json:1:1 inventory: the file is empty: begin with { "gateways": { }, "devices": { } }
      "{"
      inventory.json:1:2 inventory: not JSON: expected }; the file ends here
      "{ \\"gateways\\": { \\"a\\": {} \\"b\\": {} } }"
      inventory.json:1:25 inventory: not JSON: expected a comma; found "b"
      "{\\n  \\"gateways\\": { \\"a\\": {} }\\n  \\"devices\\": {}\\n}"
      inventory.json:3:3 inventory: not JSON: expected a comma; found "devices"
      "{ gateways: {} }"
      inventory.json:1:3 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found "gateways"
      "{ 'gateways': {} }"
      inventory.json:1:3 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found "'gateways'"
      "{ \\"gateways\\": {\\n  \\"a\\": { \\"address\\": \\"x\\n} } }"
      inventory.json:2:21 inventory: not JSON: expected the text to end with a double quote on the same line; found "x"
      "{ \\"gateways\\": yes }"
      inventory.json:1:15 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found "yes"
      "{ \\"gateways\\" {} }"
      inventory.json:1:14 inventory: not JSON: expected a colon after the name; found "{"
      "{ \\"gateways\\": {} } }"
      inventory.json:1:20 inventory: not JSON: expected nothing more after the last }; found "}"
      "{ \\"gateways\\": {} /* }"
      inventory.json:1:18 inventory: not JSON: expected the comment to end with */; found "/* }"
      "{ \\"gateways\\": { \\"a\\tb\\": {} } }"
      inventory.json:1:17 inventory: not JSON: expected no tab or control character in the text, write \\t or \\n; found "a\\tb""
    `)
  })

  test('is refused where it would end the stack', () => {
    expect(complaints('['.repeat(200_000))).toBe('inventory.json: is nested too deeply for an inventory')
  })

  test('a byte order mark and Windows line ends are no mistake', () => {
    expect(parse('\ufeff{\r\n  "gateways": { "gw": {} }\r\n}\r\n').gateways).toHaveLength(1)
  })
})

describe('a file that cannot be read', () => {
  async function failure(file: string): Promise<string> {
    const error = await readInventory(file).catch((error: unknown) => error)
    if (!(error instanceof InventoryError)) throw error
    return `${error.message}\n${error.hint ?? ''}`.replaceAll(folder, 'FOLDER')
  }

  test('is not there', async () => {
    expect(await failure(join(folder, 'nothing.json'))).toMatchInlineSnapshot(`
      "FOLDER/nothing.json: there is no such file
      name your inventory, a JSON file"
    `)
  })

  test('is a folder', async () => {
    expect(await failure(folder)).toMatchInlineSnapshot(`
      "FOLDER: is a folder
      name the file in it, such as FOLDER/inventory.json"
    `)
  })

  test('is not UTF-8', async () => {
    writeFileSync(join(folder, 'latin1.json'), Buffer.from('{\n  // gr\xfc\xdfe\n}\n', 'latin1'))
    expect(await failure(join(folder, 'latin1.json'))).toMatchInlineSnapshot(`
      "FOLDER/latin1.json:2:8 inventory: is not UTF-8 text: save the file as UTF-8 in your editor
      "
    `)
  })
})
