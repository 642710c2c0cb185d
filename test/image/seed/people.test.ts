import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { peopleOf } from '../../../src/image/seed/people.ts'
import type { Mark } from '../../../src/resources/mark.ts'
import { newKey } from '../../../src/ssh/host-keys/new-key.ts'
import { inventory } from '../card-box.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-people-'))
afterAll(() => rmSync(folder, { recursive: true }))

const { privateKey, publicKey } = newKey('me')
const file = join(folder, 'id')
writeFileSync(file, privateKey, { mode: 0o600 })
const [other, third] = [newKey('other').publicKey, newKey('third').publicKey]

const config = {
  hostname: 'pi.lan',
  port: 22,
  user: 'joe',
  identityFiles: [join(folder, 'nothing'), file],
  identitiesOnly: false,
  agent: undefined,
  jumps: [],
  proxyCommand: undefined,
  own: [],
}
function people(device: object, login: object = {}, mark: Mark = { inventory: '-' }) {
  const forwards = ['127.0.0.1:9022:localhost:22']
  const [found] = inventory({ login, devices: { 'pi.lan': { forwards, ...device } } }).devices
  if (!found) throw new Error('no device')
  return peopleOf(found, config).then((made) => made(mark))
}

test('whom we log in as gets our key and sudo, by the name that ssh has for us', async () => {
  expect(await people({})).toEqual([{ name: 'joe', authorizedKeys: [publicKey], sudo: true }])
  expect(await people({}, { user: 'root' })).toEqual([{ name: 'root', authorizedKeys: [publicKey], sudo: false }])
  expect(await people({}, { user: 'ada', sudo: false })).toEqual([
    { name: 'ada', authorizedKeys: [publicKey], sudo: false },
  ])
})

test('the keys of the inventory are all that an account has, and others come beside it', async () => {
  const accounts = {
    joe: { authorizedKeys: [`${other} of joe`] },
    eve: { authorizedKeys: [third], from: ['127.0.0.1'] },
  }
  expect(await people({ accounts })).toEqual([
    { name: 'joe', authorizedKeys: [`${other} of joe provision -`], sudo: true },
    { name: 'eve', authorizedKeys: [`from="127.0.0.1" ${third} provision -`], sudo: false },
  ])
})

test('the keys of the inventory carry its mark, as those that a run writes, and our own does not', async () => {
  const mark = { inventory: 'k7w2m9qd' }
  expect(await people({ accounts: { eve: { authorizedKeys: [`${third} eve`] } } }, {}, mark)).toEqual([
    { name: 'joe', authorizedKeys: [publicKey], sudo: true },
    { name: 'eve', authorizedKeys: [`${third} eve provision k7w2m9qd`], sudo: false },
  ])
})

test('a device that nobody could log in to is refused', async () => {
  const identityFile = join(folder, 'nothing')
  await expect(people({ login: { identityFile } })).rejects.toThrow(
    'pi.lan: there is no public key with which joe could log in to the fresh system',
  )
})
