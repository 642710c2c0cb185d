import { expect, test } from 'vitest'
import { nextHostKeys, nextHostKeysOf, switchHostKeys } from '../../src/resources/index.ts'
import { known } from '../../src/resources/resource.ts'
import { cases, nothing, shown } from './golden.ts'

const E = '/etc/ssh/ssh_host_ed25519_key'
const R = '/etc/ssh/ssh_host_rsa_key'
const none = `@none ${E}\n@none ${R}\n`
const half = `@next ${E} ssh-ed25519 AAAAnew\n@none ${R}\n`
const made = `@next ${E} ssh-ed25519 AAAAnew\n@next ${R} ssh-rsa AAAAnew\n`

cases('next-host-keys', {
  converged: { resource: nextHostKeys(false), now: none },
  'converged-under-way': { resource: nextHostKeys(true), now: made },
  begun: { resource: nextHostKeys(true), now: none },
  'completed-after-a-power-cut': { resource: nextHostKeys(false), now: half },
  later: { resource: nextHostKeys(() => undefined), now: none },
  'switch-of-nothing': { resource: switchHostKeys(() => true), now: none },
  switch: { resource: switchHostKeys(() => true), now: made },
  'switch-waits-for-who-is-away': { resource: switchHostKeys(() => false), now: made },
  'switch-waits-for-this-run': { resource: switchHostKeys(() => undefined), now: made },
  'switch-waits-until-all-are-made': { resource: switchHostKeys(() => true), now: half },
})

test('the next keys of a host are known once it was looked at', () => {
  expect(known(nextHostKeysOf('gw'), nothing)).toBeUndefined()
  expect(known(nextHostKeysOf('gw'), shown({ 'gw next host keys': none }))).toEqual([])
  expect(known(nextHostKeysOf('gw'), shown({ 'gw next host keys': made }))).toEqual([
    'ssh-ed25519 AAAAnew',
    'ssh-rsa AAAAnew',
  ])
})

test('the switch is decided with the keys that will be proved', () => {
  const asked: (readonly string[])[] = []
  switchHostKeys((next) => asked.push(next) > 0).diff(made, nothing)
  expect(asked).toEqual([['ssh-ed25519 AAAAnew', 'ssh-rsa AAAAnew']])
})
