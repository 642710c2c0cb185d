import { type HostKey, hostKey } from '../known-hosts.ts'

/**
 * The plain key that a certificate is about (OpenSSH's PROTOCOL.certkeys): its type without the suffix, and behind the
 * nonce as many fields as a key of that type has.
 */
export function plainKey({ type, blob }: HostKey): HostKey | undefined {
  const plain = /^(.+)-cert-v01@openssh\.com$/.exec(type)?.[1]
  if (plain === undefined) return undefined
  const name = plain.startsWith('sk-') ? `${plain}@openssh.com` : plain
  const count = FIELDS.find(([kind]) => kind.test(plain))?.[1] ?? 0
  const starts = [0]
  for (let field = 0; field < 2 + count; field++) {
    const at = starts.at(-1) ?? 0
    if (at + 4 > blob.length) return undefined
    starts.push(at + 4 + blob.readUInt32BE(at))
  }
  const length = Buffer.alloc(4)
  length.writeUInt32BE(name.length)
  return hostKey(Buffer.concat([length, Buffer.from(name, 'latin1'), blob.subarray(starts[2], starts.at(-1))]))
}

const FIELDS: readonly (readonly [RegExp, number])[] = [
  [/^ssh-ed25519$/, 1],
  [/^(ssh-rsa|ecdsa-)/, 2],
  [/^sk-ssh-ed25519/, 2],
  [/^sk-ecdsa-/, 3],
]
