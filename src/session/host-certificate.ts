import { type HostKey, hostKey, hostKeyText } from './known-hosts.ts'

/** What a certificate says that `ssh-keygen -s CA -h` has made for a host. */
export interface HostCertificate {
  /** The plain key that it is about, as `ssh-ed25519 AAAA…`. */
  readonly key: string
  /** The host's names; none: it is good for every name. */
  readonly principals: readonly string[]
  /** Seconds since 1970. */
  readonly after: bigint
  readonly before: bigint
}

/** How many values of a plain key stand in its certificate. */
const keyParts: Readonly<Record<string, number>> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
}

export const isCertificate = (text: string) => /^\S+-cert-v01@openssh\.com /.test(text)

/** Undefined: no certificate, or none of a host (OpenSSH's PROTOCOL.certkeys). Its signature is for others to check. */
export function parseHostCertificate(text: string): HostCertificate | undefined {
  const [, type = '', base64 = ''] = /^(\S+)-cert-v01@openssh\.com (\S+)/.exec(text) ?? []
  const parts = keyParts[type]
  if (parts === undefined) return undefined
  const read = reader(Buffer.from(base64, 'base64'))
  try {
    if (read.string().toString() !== `${type}-cert-v01@openssh.com`) return undefined
    read.string()
    const values = Array.from({ length: parts }, () => read.string())
    read.skip(8)
    if (read.number() !== 2) return undefined
    read.string()
    const names = reader(read.string())
    const principals: string[] = []
    while (names.more()) principals.push(names.string().toString())
    const plain: HostKey | undefined = hostKey(Buffer.concat([Buffer.from(type), ...values].flatMap(withLength)))
    return plain && { key: hostKeyText(plain), principals, after: read.long(), before: read.long() }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** @throws RangeError behind the end */
function reader(bytes: Buffer) {
  let at = 0
  const skip = (length: number) => {
    if (at + length > bytes.length) throw new RangeError('cut short')
    at += length
    return at - length
  }
  const number = () => bytes.readUInt32BE(skip(4))
  return {
    skip,
    number,
    long: () => bytes.readBigUInt64BE(skip(8)),
    string: () => {
      const length = number()
      return bytes.subarray(skip(length), at)
    },
    more: () => at < bytes.length,
  }
}

function withLength(part: Buffer): Buffer[] {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(part.length)
  return [length, part]
}
