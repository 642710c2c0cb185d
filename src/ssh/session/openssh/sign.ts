import { sign } from 'node:crypto'
import { fields, hashes } from '../../host-keys/signed.ts'
import { field, kinds, message } from '../agent-messages.ts'
import type { Offer } from '../identity.ts'

/** By the flags of a request. */
const rsa: Readonly<Record<number, string>> = { 2: 'rsa-sha2-256', 4: 'rsa-sha2-512' }

/** What an agent answers that is asked to sign with a key of one of our files; undefined where it is none. */
export function signedByFile(request: Buffer, offers: readonly Offer[]): Buffer | undefined {
  const [blob, data] = fields(request.subarray(5))
  const offer = offers.find(({ key, method }) => method.type === 'publickey' && blob && key.getPublicSSH().equals(blob))
  if (offer === undefined || data === undefined) return undefined
  const { key } = offer
  const algorithm = key.type === 'ssh-rsa' ? rsa[request.readUInt32BE(request.length - 4)] : key.type
  const hash = hashes[algorithm ?? '']?.hash
  if (algorithm === undefined || hash === undefined) return undefined
  const bytes = sign(hash, data, { key: key.getPrivatePEM(), dsaEncoding: 'ieee-p1363' })
  const parts = algorithm.startsWith('ecdsa-') ? halves(bytes) : bytes
  return message(kinds.signed, field(Buffer.concat([field(algorithm), field(parts)])))
}

/** Two numbers of the same length, each as SSH has it: shortest, and not negative (RFC 4251, mpint). */
function halves(bytes: Buffer): Buffer {
  const middle = bytes.length / 2
  return Buffer.concat([bytes.subarray(0, middle), bytes.subarray(middle)].map((half) => field(positive(half))))
}

function positive(half: Buffer): Buffer {
  const digits = half.subarray(half.findIndex((byte) => byte !== 0))
  return (digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits
}
