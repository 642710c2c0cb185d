import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import type { HostKey } from './known-hosts.ts'

/** Byte strings, each behind its length; as many as are whole. */
export function fields(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) break
    found.push(bytes.subarray(at + 4, end))
    at = end
  }
  return found
}

/** What each name of a signature means; those with SHA-1 are none. */
export const hashes: Readonly<Record<string, { readonly type: string; readonly hash: string | null }>> = {
  'ssh-ed25519': { type: 'ssh-ed25519', hash: null },
  'rsa-sha2-256': { type: 'ssh-rsa', hash: 'sha256' },
  'rsa-sha2-512': { type: 'ssh-rsa', hash: 'sha512' },
  'ecdsa-sha2-nistp256': { type: 'ecdsa-sha2-nistp256', hash: 'sha256' },
  'ecdsa-sha2-nistp384': { type: 'ecdsa-sha2-nistp384', hash: 'sha384' },
  'ecdsa-sha2-nistp521': { type: 'ecdsa-sha2-nistp521', hash: 'sha512' },
}

/** Has this key signed this message? `signature` is as it goes over the wire: the name of its algorithm, and itself. */
export function isSigned(message: Buffer, { by, signature }: { readonly by: HostKey; readonly signature: Buffer }) {
  const [name, raw] = fields(signature)
  const meaning = hashes[name?.toString('latin1') ?? '']
  if (meaning === undefined || raw === undefined || meaning.type !== by.type) return false
  try {
    const jwk = jwkOf(by)
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    if (jwk.kty !== 'EC') return verify(meaning.hash, message, key, raw)
    const size = Buffer.from(jwk.x ?? '', 'base64url').length
    const both = Buffer.concat(fields(raw).map((number) => padded(number, size)))
    return verify(meaning.hash, message, { key, dsaEncoding: 'ieee-p1363' }, both)
  } catch {
    return false
  }
}

/** @throws where the key is of another kind, or is broken */
function jwkOf({ type, blob }: HostKey): JsonWebKey {
  const [, first, second] = fields(blob)
  if (first === undefined) throw new Error('no key')
  if (type === 'ssh-ed25519') return { kty: 'OKP', crv: 'Ed25519', x: first.toString('base64url') }
  if (second === undefined) throw new Error('no key')
  if (type === 'ssh-rsa')
    return { kty: 'RSA', e: bare(first).toString('base64url'), n: bare(second).toString('base64url') }
  const half = (second.length - 1) / 2
  const [x, y] = [second.subarray(1, 1 + half), second.subarray(1 + half)].map((part) => part.toString('base64url'))
  return { kty: 'EC', crv: `P-${type.slice(-3)}`, x: x ?? '', y: y ?? '' }
}

/** A number without the zeros before it. */
function bare(number: Buffer): Buffer {
  const first = number.findIndex((byte) => byte !== 0)
  return first < 0 ? Buffer.alloc(0) : number.subarray(first)
}

function padded(number: Buffer, size: number): Buffer {
  const short = bare(number)
  return Buffer.concat([Buffer.alloc(Math.max(0, size - short.length)), short])
}
