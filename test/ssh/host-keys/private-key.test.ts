import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { newKey } from '../../../src/ssh/host-keys/new-key.ts'
import { privateKeyFile, unlocked } from '../../../src/ssh/host-keys/private-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-private-key-'))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
/** As `ssh-keygen` makes it. */
function made(passphrase: string, more: readonly string[] = []): { text: string; publicKey: string } {
  const file = join(folder, `key-${count++}`)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'spare', '-f', file, ...more])
  const [type, blob] = readFileSync(`${file}.pub`, 'utf8').split(' ')
  return { text: readFileSync(file, 'utf8'), publicKey: `${type} ${blob}` }
}

function ours() {
  const { privateKey: text, publicKey } = newKey('spare')
  return { text, publicKey }
}

test.each([
  ['that ssh-keygen made', made('')],
  ['that this program made', ours()],
])('a file without a passphrase %s is used as it is', (_, { text, publicKey }) => {
  const file = privateKeyFile(text)
  expect(file).toMatchObject({ publicKey, locked: false })
  expect(file && unlocked(file, 'whatever')).toBe(text)
})

test('a locked file shows its public half, and opens with its passphrase alone', () => {
  const { text, publicKey } = made('correct horse')
  const file = privateKeyFile(text)
  expect(file).toMatchObject({ publicKey, locked: true })
  expect(file && unlocked(file, 'wrong horse')).toBeUndefined()
  expect(file && unlocked(file, '')).toBeUndefined()
})

test('what was unlocked is a key that OpenSSH loads, and the same one', () => {
  for (const cipher of ['aes256-ctr', 'aes128-cbc', 'aes256-gcm@openssh.com']) {
    const { text, publicKey } = made('correct horse', ['-Z', cipher])
    const file = privateKeyFile(text)
    const open = join(folder, `open-${count++}`)
    writeFileSync(open, (file && unlocked(file, 'correct horse')) ?? '', { mode: 0o600 })
    chmodSync(open, 0o600)
    const said = execFileSync('ssh-keygen', ['-y', '-P', '', '-f', open], { encoding: 'utf8' })
    expect(said.split(' ').slice(0, 2).join(' ').trim(), cipher).toBe(publicKey)
  }
})

test.each([
  ['nothing', ''],
  ['a public key', made('').publicKey],
  ['an RSA key', made('', ['-t', 'rsa']).text],
  ['one that is cut', made('').text.slice(0, 80)],
  ['a key in another format', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
])('%s is no such file', (_, text) => {
  expect(privateKeyFile(text)).toBeUndefined()
})
