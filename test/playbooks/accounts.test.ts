import { expect, test } from 'vitest'
import accounts from '../../playbooks/accounts.ts'
import { KEY, parse } from '../inventory/parse.ts'
import { asked, example } from './ask.ts'

test.each(['accounts', 'guest-lan'])('%s.json', async (name) => {
  await expect(asked(accounts, await example(`${name}.json`))).toMatchFileSnapshot(
    `../golden/playbooks/accounts-${name}.golden`,
  )
})

test('options and comment of a key line come with it', () => {
  const line = `from=\\"10.0.0.0/8\\",no-pty ${KEY} somebody at home`
  const inventory = parse(`{ "gateways": { "gw": { "accounts": { "user002": { "authorizedKeys": ["${line}"] } } } } }`)
  expect(asked(accounts, inventory)).toContain(`      from="10.0.0.0/8",no-pty ${KEY} somebody at home\n`)
})
