import { type HostKey, hostKeyOfBlob, hostKeyText, matches } from './known-hosts.ts'
import { isSigned } from './signed.ts'

/** What a certificate says that `ssh-keygen -s CA -h` has made for a host. */
export interface HostCertificate {
  /** The plain key that it is about, as `ssh-ed25519 AAAA…`. */
  readonly key: string
  /** The host's names; none: it is good for every name. */
  readonly principals: readonly string[]
  /** Seconds since 1970. */
  readonly after: bigint
  readonly before: bigint
  /** It has critical options, which whoever accepts it has to understand; none is known for hosts. */
  readonly critical: boolean
  /** The authority that it names as its signer. */
  readonly authority: HostKey | undefined
  readonly signed: Buffer
  readonly signature: Buffer
}

/** Why a certificate is not accepted. `expired`: not valid now, else in order; the same host may get another one. */
export interface CertificateProblem {
  readonly kind: 'expired' | 'untrusted'
  readonly why: string
}

const untrusted = (why: string): CertificateProblem => ({ kind: 'untrusted', why })
const expired = (why: string): CertificateProblem => ({ kind: 'expired', why })

/**
 * Why a host of this name is not who its certificate says; undefined: one of these has signed it for that name, and it
 * is valid now. As OpenSSH has it, but that a certificate for every name is good for none.
 */
export function certificateProblem(
  certificate: HostCertificate,
  { name, authorities, now }: { readonly name: string; readonly authorities: readonly HostKey[]; readonly now: Date },
): CertificateProblem | undefined {
  const { principals, after, before, authority, signature } = certificate
  const by = authorities.find(({ blob }) => authority?.blob.equals(blob))
  if (by === undefined) return untrusted('another authority has signed it')
  if (!isSigned(certificate.signed, { by, signature })) return untrusted('its signature is wrong')
  if (certificate.critical) return untrusted('it has critical options')
  const seconds = BigInt(Math.floor(now.getTime() / 1000))
  if (seconds >= before) return expired('it has expired')
  if (seconds < after) return expired('it is not valid yet')
  const isFor = principals.some((pattern) => !/[,!|]/.test(pattern) && matches(pattern, [name.toLowerCase()]))
  return isFor ? undefined : untrusted(`it is for ${principals.join(', ') || 'no name'}`)
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
  const bytes = Buffer.from(base64, 'base64')
  const read = reader(bytes)
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
    const plain: HostKey | undefined = hostKeyOfBlob(Buffer.concat([Buffer.from(type), ...values].flatMap(withLength)))
    const [after, before] = [read.long(), read.long()]
    const critical = read.string().length > 0
    read.string()
    read.string()
    const authority = hostKeyOfBlob(read.string())
    const signed = bytes.subarray(0, read.at())
    const signature = read.string()
    if (read.more() || plain === undefined) return undefined
    return { key: hostKeyText(plain), principals, after, before, critical, authority, signed, signature }
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
    at: () => at,
  }
}

function withLength(part: Buffer): Buffer[] {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(part.length)
  return [length, part]
}
