import { expect, test } from 'vitest'
import { InventoryError } from '../../../src/errors.ts'
import { answersTo, firstInventory } from '../../../src/inventory/edit/new-inventory.ts'
import { parse } from '../parse.ts'

const gateway = 'ssh-gw.guest.internal'
const device = 'host-a.lan.internal'

test('a first inventory with all answers', async () => {
  const all = { gateway, device, ports: '9100-9199', user: 'user001', dial: '[2001:db8::1]:2222' }
  const text = firstInventory(await answersTo(all, undefined))
  expect(text).toMatchInlineSnapshot(`
    "// An editor that reads "$schema" explains every key while you type.
    {
      "$schema": "./schema.json",
      "login": { "user": "user001" },

      "gateways": {
        // Of these ports \`provision add\` takes the first that is free, for each new device.
        "ssh-gw.guest.internal": { "ports": "9100-9199", "dial": { "address": "2001:db8::1", "port": 2222 } },
      },

      "devices": {
        // Whoever connects to port 9100 on the gateway reaches port 22 of this device.
        "host-a.lan.internal": { "forwards": ["127.0.0.1:9100:localhost:22"] },
      },
    }
    "
  `)
  const { gateways, devices } = parse(text)
  expect(gateways).toMatchObject([{ dial: { address: '2001:db8::1', port: 2222 }, ports: { first: 9100, last: 9199 } }])
  expect(devices).toMatchObject([{ login: { user: 'user001' }, forwards: [{ port: 9100 }] }])
})

test('with the names alone the picture comes out', async () => {
  const { gateways, devices } = parse(firstInventory(await answersTo({ gateway, device }, undefined)))
  expect(gateways).toMatchObject([{ dial: { address: gateway, port: 22 }, ports: { first: 9022, last: 9999 } }])
  expect(devices).toMatchObject([
    { login: { sudo: true }, forwards: [{ port: 9022, host: 'localhost', hostPort: 22 }] },
  ])
})

test.each([
  ['2001:db8::1', { address: '2001:db8::1', port: 22 }],
  ['203.0.113.5', { address: '203.0.113.5', port: 22 }],
  ['gw.example.jp:2222', { address: 'gw.example.jp', port: 2222 }],
])('devices dial %s', async (dial, wanted) => {
  expect(parse(firstInventory(await answersTo({ gateway, device, dial }, undefined))).gateways[0]?.dial).toEqual(wanted)
})

/** Somebody with these answers, and what they were asked. */
function somebody(...answers: string[]) {
  const heard: string[] = []
  const ask = async (text: string, problem?: string) => {
    heard.push([problem, text].filter((line) => line !== undefined).join('\n'))
    return answers.shift()
  }
  return { heard, ask }
}

test('each question comes again until its answer makes sense', async () => {
  const { heard, ask } = somebody('', 'a b@gw', ' gw ', 'gw:0', '', 'pi@gw', 'pi', '9000', '9000-9009', 'a b', '')
  expect(await answersTo({}, ask)).toEqual({ gateway: 'gw', dial: '', device: 'pi', ports: '9000-9009', user: '' })
  expect(heard.join('\n')).toMatchInlineSnapshot(`
    "The gateway is the machine that everybody can reach. How do you log in to it? Such as root@vps.example.org:2222
    an answer is needed here
    The gateway is the machine that everybody can reach. How do you log in to it? Such as root@vps.example.org:2222
    "a b" is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter
    The gateway is the machine that everybody can reach. How do you log in to it? Such as root@vps.example.org:2222
    Do devices reach the gateway at another address or port than you? Such as 203.0.113.5:2222; empty or n: no
    port 0 means a different port at every start: write one from 1 to 65535
    Do devices reach the gateway at another address or port than you? Such as 203.0.113.5:2222; empty or n: no
    The first device is a machine that nobody can call. How do you log in to it, when you are beside it? Such as pi@pi1.home
    that is the gateway: a device is another machine
    The first device is a machine that nobody can call. How do you log in to it, when you are beside it? Such as pi@pi1.home
    Which ports of the gateway may lead to devices? The first of them leads to this device; empty: 9022-9999
    "9000" is not a range of ports: write the first and the last, as in "9000-9999"
    Which ports of the gateway may lead to devices? The first of them leads to this device; empty: 9022-9999
    As which user do you log in, where you have not said it? Empty: as the one that ssh uses
    "a b" is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter
    As which user do you log in, where you have not said it? Empty: as the one that ssh uses"
  `)
})

test('people answer as they talk to ssh, and a no is a no', async () => {
  const { heard, ask } = somebody('root@vps:2222', 'n', 'ssh -p 2022 pi@pi1.home', 'No')
  const text = firstInventory(await answersTo({}, ask))
  // Nobody is asked for a user when both were named.
  expect(heard).toHaveLength(4)
  expect(text).toMatchInlineSnapshot(`
    "// An editor that reads "$schema" explains every key while you type.
    {
      "$schema": "./schema.json",

      "gateways": {
        // Of these ports \`provision add\` takes the first that is free, for each new device.
        "vps": { "port": 2222, "login": { "user": "root" }, "ports": "9022-9999" },
      },

      "devices": {
        // Whoever connects to port 9022 on the gateway reaches port 2022 of this device.
        "pi1.home": { "port": 2022, "login": { "user": "pi" }, "forwards": ["127.0.0.1:9022:localhost:2022"] },
      },
    }
    "
  `)
  const { gateways, devices } = parse(text)
  expect(gateways).toMatchObject([{ name: 'vps', login: { user: 'root' }, dial: { address: 'vps', port: 2222 } }])
  expect(devices).toMatchObject([
    { name: 'pi1.home', port: 2022, login: { user: 'pi' }, forwards: [{ port: 9022, hostPort: 2022 }] },
  ])
})

test.each([
  ['the same user on both is said once', ['root@vps', '', 'root@pi', ''], '"login": { "user": "root" },\n\n'],
  [
    'who is not said is asked for',
    ['root@vps', '', 'pi', '', 'admin'],
    '"vps": { "login": { "user": "root" }, "ports"',
  ],
  ['what ssh has stays with ssh', ['vps', '-', 'pi', 'none', 'n'], '"pi": { "forwards"'],
])('%s', async (_, answers, part) => {
  expect(firstInventory(await answersTo({}, somebody(...answers).ask))).toContain(part)
})

test.each(['root@', '@vps', 'vps:', 'vps:99999', 'root@vps:0', '2001:db8::1', '[2001:db8::1]:22', 'a@b@c'])(
  'the gateway %s is refused',
  async (answer) => {
    await expect(answersTo({ gateway: answer, device }, undefined)).rejects.toThrow(InventoryError)
  },
)

test('a device that is the gateway is refused, also from options', async () => {
  const both = { gateway: 'root@vps', device: 'pi@vps' }
  await expect(answersTo(both, undefined)).rejects.toThrow('--device: that is the gateway: a device is another machine')
})

test('what is given is not asked for', async () => {
  const { heard, ask } = somebody('gw', '', '', '')
  expect(await answersTo({ device: 'pi' }, ask)).toMatchObject({ gateway: 'gw', device: 'pi' })
  expect(heard).toHaveLength(4)
  expect(await answersTo({ gateway: 'gw', device: 'pi' }, ask)).toMatchObject({ ports: '9022-9999' })
  expect(heard).toHaveLength(4)
})

test('an end of the answers, nobody to ask, and options that make no sense', async () => {
  const refusal = (given: Parameters<typeof answersTo>[0], ask?: Parameters<typeof answersTo>[1]) =>
    answersTo(given, ask).then(
      () => 'none',
      (error: unknown) => (error instanceof InventoryError ? `${error.message}; ${error.hint}` : String(error)),
    )
  expect(
    [
      await refusal({}, somebody('gw').ask),
      await refusal({}),
      await refusal({ gateway }),
      await refusal({ gateway, device, ports: 'many' }),
      await refusal({ gateway, device: 'a b' }),
      await refusal({ gateway, device, dial: 'gw:ssh' }),
      await refusal({ gateway, device, user: '-x' }),
    ].join('\n'),
  ).toMatchInlineSnapshot(`
    "not all questions were answered; nothing was written
    there is no terminal to ask on; add --gateway NAME and --device NAME; --dial, --ports and --user are optional
    there is no terminal to ask on; add --device NAME; --dial, --ports and --user are optional
    --ports: "many" is not a range of ports: write the first and the last, as in "9000-9999"; undefined
    --device: "a b" is not a host name: use letters, digits, ".", "-" and "_" only; undefined
    --dial: "gw:ssh" is not a host name: use letters, digits, ".", "-" and "_" only; undefined
    --user: "-x" is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter; undefined"
  `)
})
