import { createHash } from 'node:crypto'
import { parseHostKey } from './known-hosts.ts'
import { fields, isSigned } from './signed.ts'

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
  const digest = createHash(algorithm).update(message).digest()
  const signed = Buffer.concat([
    Buffer.from('SSHSIG'),
    ...[space, Buffer.alloc(0), hash, digest].flatMap((part) => [length(part), part]),
  ])
  return isSigned(signed, { by: key, signature })
}

function length({ length: bytes }: Buffer): Buffer {
  const four = Buffer.alloc(4)
  four.writeUInt32BE(bytes)
  return four
}
