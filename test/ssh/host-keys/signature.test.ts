import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { newKey, publicHalfOf } from '../../../src/ssh/host-keys/new-key.ts'
import { isSignedBy } from '../../../src/ssh/host-keys/signature.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-signature-'))
afterAll(() => rmSync(folder, { recursive: true }))

const { privateKey, publicKey } = newKey('a card')
writeFileSync(join(folder, 'key'), privateKey, { mode: 0o600 })
const message = Buffer.from('provision enrolment 1\nname pi\n')
const sign = (namespace: string, ...more: string[]) =>
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', join(folder, 'key'), '-n', namespace, ...more], {
    input: message,
    stdio: ['pipe', 'pipe', 'ignore'],
  }).toString()
const armored = sign('card')

test('ssh-keygen reads a key that was made here', () => {
  const read = execFileSync('ssh-keygen', ['-y', '-P', '', '-f', join(folder, 'key')]).toString()
  expect(read.split(' ', 2).join(' ').trim()).toBe(publicKey)
  expect(publicHalfOf(privateKey)).toBe(publicKey)
})

test('what ssh-keygen signed is known as signed', () => {
  expect(isSignedBy(publicKey, { message, armored, namespace: 'card' })).toBe(true)
})

test.each([
  ['for another purpose', { namespace: 'git' }],
  ['of another message', { message: Buffer.from('provision enrolment 1\nname qi\n') }],
  ['that is no signature', { armored: 'x' }],
  ['of nothing', { armored: '-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n' }],
  [
    'that ends behind its first word',
    { armored: `-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n` },
  ],
  ['cut short', { armored: armored.replace(/\n[^\n]+\n-----END/, '\n-----END') }],
])('a signature %s is none', (_, odd) => {
  expect(isSignedBy(publicKey, { message, armored, namespace: 'card', ...odd })).toBe(false)
})

test('a signature by another key is none, whichever key it names', () => {
  const other = newKey('other')
  expect(isSignedBy(other.publicKey, { message, armored, namespace: 'card' })).toBe(false)
  const [mine, theirs] = [publicKey, other.publicKey].map((key) => Buffer.from(key.split(' ')[1] ?? '', 'base64'))
  const body = Buffer.from(armored.split('\n').slice(1, -2).join(''), 'base64')
  const at = body.indexOf(mine as Buffer)
  theirs?.copy(body, at)
  const forged = `-----BEGIN SSH SIGNATURE-----\n${body.toString('base64')}\n-----END SSH SIGNATURE-----\n`
  expect(isSignedBy(other.publicKey, { message, armored: forged, namespace: 'card' })).toBe(false)
})
