import { createHash, createPublicKey, verify } from 'node:crypto'
import { parseHostKey } from './known-hosts.ts'

/**
 * Was this message signed by this ed25519 key, as `ssh-keygen -Y sign -n NAMESPACE` does? `armored` is what that writes
 * (OpenSSH's PROTOCOL.sshsig).
 */
export function isSignedBy(
  publicKey: string,
  { message, armored, namespace }: { readonly message: Buffer; readonly armored: string; readonly namespace: string },
): boolean {
  const key = parseHostKey(publicKey)
  const body = /^-----BEGIN SSH SIGNATURE-----([\s\S]+)-----END SSH SIGNATURE-----\s*$/.exec(armored)?.[1]
  if (key?.type !== 'ssh-ed25519' || body === undefined) return false
  const blob = Buffer.from(body, 'base64')
  if (blob.length < 10 || blob.toString('latin1', 0, 6) !== 'SSHSIG' || blob.readUInt32BE(6) !== 1) return false
  const [signer, space, , hash, signature] = fields(blob.subarray(10))
  if (!signer?.equals(key.blob) || space?.toString() !== namespace || !hash || !signature) return false
  const algorithm = hash.toString()
  if (algorithm !== 'sha512' && algorithm !== 'sha256') return false
  const [type, raw] = fields(signature)
  const point = fields(key.blob)[1]
  if (type?.toString() !== 'ssh-ed25519' || raw?.length !== 64 || point?.length !== 32) return false
  const digest = createHash(algorithm).update(message).digest()
  const signed = Buffer.concat([
    Buffer.from('SSHSIG'),
    ...[space, Buffer.alloc(0), hash, digest].flatMap((part) => [length(part), part]),
  ])
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }
  return verify(null, signed, createPublicKey({ key: jwk, format: 'jwk' }), raw)
}

function length({ length: bytes }: Buffer): Buffer {
  const four = Buffer.alloc(4)
  four.writeUInt32BE(bytes)
  return four
}

/** Byte strings, each behind its length; as many as are whole. */
function fields(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) break
    found.push(bytes.subarray(at + 4, end))
    at = end
  }
  return found
}
