import { expect, test } from 'vitest'
import accounts from '../../playbooks/accounts.ts'
import { KEY, parse, RSA } from '../inventory/parse.ts'
import { asked, example } from './ask.ts'

test.each(['accounts', 'guest-lan'])('%s.json', async (name) => {
  await expect(asked(accounts, await example(`${name}.json`))).toMatchFileSnapshot(
    `../golden/playbooks/accounts-${name}.golden`,
  )
})

test('from goes before the other options of a key, and gives way to one of the key’s own', () => {
  const lines = [`no-pty ${KEY} somebody`, `no-pty,from=\\"192.0.2.7\\" ${RSA}`]
  const account = `{ "from": ["127.0.0.1", "10.0.0.0/8"], "authorizedKeys": ["${lines.join('", "')}"] }`
  const text = asked(accounts, parse(`{ "gateways": { "gw": { "accounts": { "user002": ${account} } } } }`))
  expect(text).toContain(`      from="127.0.0.1,10.0.0.0/8",no-pty ${KEY} somebody provision -\n`)
  expect(text).toContain(`      no-pty,from="192.0.2.7" ${RSA} provision -\n`)
})

test('options with quoted blanks that look like a key are no key', () => {
  const line = `command=\\"echo ssh-ed25519 AAAA\\" ${KEY} c`
  const text = asked(
    accounts,
    parse(`{ "gateways": { "gw": { "accounts": { "user002": { "authorizedKeys": ["${line}"] } } } } }`),
  )
  expect(text).toContain(`      command="echo ssh-ed25519 AAAA" ${KEY} c provision -\n`)
})

test('options and comment of a key line come with it', () => {
  const line = `from=\\"10.0.0.0/8\\",no-pty ${KEY} somebody at home`
  const inventory = parse(`{ "gateways": { "gw": { "accounts": { "user002": { "authorizedKeys": ["${line}"] } } } } }`)
  expect(asked(accounts, inventory)).toContain(`      from="10.0.0.0/8",no-pty ${KEY} somebody at home provision -\n`)
})
