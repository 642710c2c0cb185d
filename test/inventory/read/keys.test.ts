import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readAuthorizedKey, readHostKey } from '../../../src/inventory/read/keys.ts'
import { KEY, publicKey } from '../parse.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

function keygen(type: string, bits: string) {
  const file = join(folder, `${type}-${bits}`)
  execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', 'a comment', '-f', file])
  const fingerprint = execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }).split(' ')[1] ?? ''
  return { secret: readFileSync(file, 'utf8'), line: readFileSync(`${file}.pub`, 'utf8'), fingerprint }
}

describe('what ssh-keygen makes', () => {
  test.each([
    ['ed25519', '256'],
    ['rsa', '2048'],
    ['ecdsa', '256'],
    ['ecdsa', '384'],
    ['ecdsa', '521'],
  ])('%s %s', (type, bits) => {
    const { secret, line, fingerprint } = keygen(type, bits)
    expect(readAuthorizedKey(line)).toEqual({ key: line.trim() })
    expect(readHostKey(line)).toEqual({ key: line.split(' ', 2).join(' ') })
    expect(readHostKey(fingerprint)).toEqual({ key: fingerprint })
    expect(readHostKey(`@cert-authority ${line}`)).toEqual({
      key: `@cert-authority ${line.split(' ', 2).join(' ')}`,
    })
    expect(readAuthorizedKey(secret)).toHaveProperty('problem', expect.stringMatching('is a private key'))
    const [word, body = ''] = line.split(' ')
    for (const cut of [1, 4, 8, body.length / 2, body.length - 4]) {
      expect(readAuthorizedKey(`${word} ${body.slice(0, -cut)}`)).toHaveProperty('problem')
    }
    expect(readAuthorizedKey(`${word} ${body}${body}`)).toHaveProperty('problem')
  })
})

test('keys that live in a security token', () => {
  const ed25519 = publicKey('sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 7), 'ssh:')
  const ecdsa = publicKey('sk-ecdsa-sha2-nistp256@openssh.com', 'nistp256', Buffer.alloc(65, 4), 'ssh:')
  expect(readAuthorizedKey(ed25519)).toEqual({ key: ed25519 })
  expect(readAuthorizedKey(ecdsa)).toEqual({ key: ecdsa })
})

test('options before a key', () => {
  for (const options of [
    'restrict',
    'from="192.0.2.0/24"',
    'restrict,command="echo \\"a b\\", c",no-pty',
    'cert-authority,principals="admins"',
  ]) {
    expect(readAuthorizedKey(`${options} ${KEY} me`)).toEqual({ key: `${options} ${KEY} me` })
    expect(readHostKey(`${options} ${KEY}`)).toHaveProperty('problem')
  }
})
