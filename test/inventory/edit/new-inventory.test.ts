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

test('five questions, each again until its answer makes sense', async () => {
  const { heard, ask } = somebody('', 'user@gw', ' gw ', 'gw:0', '', 'pi', '9000', '9000-9009', 'a b', '')
  expect(await answersTo({}, ask)).toEqual({ gateway: 'gw', dial: '', device: 'pi', ports: '9000-9009', user: '' })
  expect(heard.join('\n')).toMatchInlineSnapshot(`
    "The gateway, which everybody can reach, by the name that you give to ssh (such as ssh-gw.guest.internal): 
    an answer is needed here
    The gateway, which everybody can reach, by the name that you give to ssh (such as ssh-gw.guest.internal): 
    "user@gw" is not a host name: use letters, digits, ".", "-" and "_" only
    The gateway, which everybody can reach, by the name that you give to ssh (such as ssh-gw.guest.internal): 
    The address at which devices reach the gateway, with :PORT where that is not 22 (empty: the same as yours): 
    port 0 means a different port at every start: write one from 1 to 65535
    The address at which devices reach the gateway, with :PORT where that is not 22 (empty: the same as yours): 
    The first device, which cannot be reached directly (such as host-a.lan.internal): 
    The ports of the gateway that lead to devices; the first one leads to this device (empty: 9022-9999): 
    "9000" is not a range of ports: write the first and the last, as in "9000-9999"
    The ports of the gateway that lead to devices; the first one leads to this device (empty: 9022-9999): 
    The user to log in as, on both machines (empty: the one that ssh uses): 
    "a b" is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter
    The user to log in as, on both machines (empty: the one that ssh uses): "
  `)
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
