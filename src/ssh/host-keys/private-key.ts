import { createPrivateKey } from 'node:crypto'
import ssh2 from 'ssh2'

/**
 * The text of an ed25519 private key file in OpenSSH's own format, and what can be told of it without its passphrase.
 */
export interface PrivateKeyFile {
  readonly text: string
  readonly publicKey: string
  readonly locked: boolean
}

const armor = /^-----BEGIN OPENSSH PRIVATE KEY-----\s([\s\S]+?)-----END OPENSSH PRIVATE KEY-----\s*$/
const magic = 'openssh-key-v1\0'
const type = 'ssh-ed25519'

/** undefined: it is no such file. A locked one still shows its public half. */
export function privateKeyFile(text: string): PrivateKeyFile | undefined {
  const bytes = Buffer.from(armor.exec(text)?.[1] ?? '', 'base64')
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined
  try {
    const [cipher, , , publicKey] = fields(bytes.subarray(magic.length))
    if (!cipher || !publicKey || fields(publicKey)[0]?.toString() !== type) return undefined
    return { text, publicKey: `${type} ${publicKey.toString('base64')}`, locked: cipher.toString() !== 'none' }
  } catch {
    return undefined
  }
}

/** The same key without a passphrase; undefined: this is not its passphrase. Nothing is written to a file. */
export function unlocked(file: PrivateKeyFile, passphrase: string): string | undefined {
  if (!file.locked) return file.text
  const key = ssh2.utils.parseKey(file.text, passphrase)
  if (key instanceof Error || !key.isPrivateKey()) return undefined
  const { d = '', x = '' } = createPrivateKey(key.getPrivatePEM()).export({ format: 'jwk' })
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]
  const publicKey = Buffer.concat([string(type), string(point)])
  if (`${type} ${publicKey.toString('base64')}` !== file.publicKey) return undefined
  return openSshText(publicKey, Buffer.concat([string(point), string(Buffer.concat([seed, point]))]))
}

/**
 * PROTOCOL.key of OpenSSH: no cipher, one key, twice the same number, the key, no comment, and 1, 2, 3… up to a whole
 * block.
 */
function openSshText(publicKey: Buffer, halves: Buffer): string {
  const secret = Buffer.concat([Buffer.alloc(8), string(type), halves, string('')])
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, at) => at + 1))
  const bytes = Buffer.concat([
    Buffer.from(magic, 'latin1'),
    ...['none', 'none', ''].map(string),
    number(1),
    string(publicKey),
    string(Buffer.concat([secret, padding])),
  ])
  const rows = bytes.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...rows, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}

/** The first strings of this, each after its length; between the third and the fourth of a key file stands a count. */
function fields(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  let at = 0
  while (at + 4 <= bytes.length && found.length < 4) {
    if (found.length === 3) at += 4
    const length = bytes.readUInt32BE(at)
    found.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return found
}

function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([number(bytes.length), bytes])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
