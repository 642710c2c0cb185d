import { expect, test } from 'vitest'
import { keyPair, publicKey } from '../../src/resources/index.ts'
import { known } from '../../src/resources/resource.ts'
import { cases, nothing, shown } from './golden.ts'

const path = '/etc/reverse-tunnel/id_ed25519'
const resource = keyPair(path, { owner: 'reverse-tunnel', comment: 'host-a' })
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAaaa'

cases('key-pair', {
  converged: { resource, now: `600 reverse-tunnel\n${key}\n` },
  absent: { resource, now: 'absent\n' },
  broken: { resource, now: 'broken\n' },
  'readable-by-others': { resource, now: `644 reverse-tunnel\n${key}\n` },
  'other-owner': { resource, now: `600 root\n${key}\n` },
})

test('the public half is known once the host has made it', () => {
  expect(known(publicKey('host-a', path), nothing)).toBeUndefined()
  expect(known(publicKey('host-a', path), shown({ [`host-a ${resource.id}`]: 'absent\n' }))).toBeUndefined()
  expect(known(publicKey('host-a', path), shown({ [`host-a ${resource.id}`]: `600 root\n${key}\n` }))).toBe(key)
})
