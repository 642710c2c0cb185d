import { expect, test } from 'vitest'
import { hostKeys, hostKeysOf } from '../../src/resources/index.ts'
import { known } from '../../src/resources/resource.ts'
import { cases, nothing, shown } from './golden.ts'

const keys = 'ecdsa-sha2-nistp256 AAAAE2Vj\nssh-ed25519 AAAAC3Nz\n'

cases('host-keys', { converged: { resource: hostKeys, now: keys } })

test('what a host proves is known once it was looked at, and not before', () => {
  expect(known(hostKeysOf('gw'), nothing)).toBeUndefined()
  expect(known(hostKeysOf('gw'), shown({ 'gw host keys': keys }))).toEqual(keys.trim().split('\n'))
})

test('a host that showed no key at all counts as not known', () => {
  expect(known(hostKeysOf('gw'), shown({ 'gw host keys': '\n' }))).toBeUndefined()
})
