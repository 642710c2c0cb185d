import { createHash, createHmac } from 'node:crypto'
import { globToRegExp } from '../../files/glob.ts'

/** A public key as it goes over the wire: `type` is what the blob itself says, never an algorithm name. */
export interface HostKey {
  readonly type: string
  readonly blob: Buffer
}

/** One line of a known_hosts file that holds a key. */
export interface KnownLine {
  readonly revoked: boolean
  /** `@cert-authority`: not a host's own key, but one that signs those of hosts. */
  readonly authority: boolean
  /** The first field, as written. */
  readonly patterns: string
  readonly key: HostKey
}

/** The marker of such lines. */
export const AUTHORITY = '@cert-authority'

/** `SHA256:…` as `ssh-keygen -l` prints it, of a blob, a key, or a line that starts `ssh-ed25519 AAAA…`. */
export function fingerprintOf(key: Buffer | HostKey | string): string {
  const blob =
    typeof key === 'string' ? Buffer.from(key.split(/\s+/)[1] ?? '', 'base64') : 'blob' in key ? key.blob : key
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

/** A blob's key; undefined where it does not even start with a name. */
export function hostKeyOfBlob(blob: Buffer): HostKey | undefined {
  const length = blob.length < 4 ? 0 : blob.readUInt32BE(0)
  if (length === 0 || length > 64 || blob.length < 4 + length) return undefined
  return { type: blob.toString('latin1', 4, 4 + length), blob }
}

export function hostKeyText(key: HostKey): string {
  return `${key.type} ${key.blob.toString('base64')}`
}

/** `ssh-ed25519 AAAA… comment`; undefined where that is no public key. */
export function parseHostKey(text: string): HostKey | undefined {
  const [type, base64] = text.trim().split(/\s+/)
  if (type === undefined || base64 === undefined) return undefined
  const key = hostKeyOfBlob(Buffer.from(base64, 'base64'))
  return key?.type === type ? key : undefined
}

/** undefined: a comment, or nothing that sshd's own tools would take. */
export function parseKnownLine(line: string): KnownLine | undefined {
  const fields = line.trim().split(/\s+/)
  const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined
  if (marker !== undefined && marker !== '@revoked' && marker !== AUTHORITY) return undefined
  const [patterns, type, base64] = fields
  if (patterns === undefined || patterns.startsWith('#') || type === undefined || base64 === undefined) return undefined
  const key = parseHostKey(`${type} ${base64}`)
  return key && { revoked: marker === '@revoked', authority: marker === AUTHORITY, patterns, key }
}

/**
 * The names a host may stand under: its own (we always use HostKeyAlias, which drops the port), and `[name]:port`
 * for files that people's own ssh has written.
 */
export function knownNames(name: string, port: number | undefined): readonly string[] {
  const plain = name.toLowerCase()
  return port === undefined || port === 22 ? [plain] : [plain, `[${plain}]:${port}`]
}

/** OpenSSH's rule: some pattern matches and no negated one does. */
export function matches(patterns: string, names: readonly string[]): boolean {
  if (patterns.startsWith('|1|')) return names.some((name) => hashedMatches(patterns, name))
  let found = false
  for (const pattern of patterns.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!')
    const glob = globToRegExp(negated ? pattern.slice(1) : pattern)
    if (!names.some((name) => glob.test(name))) continue
    if (negated) return false
    found = true
  }
  return found
}

/** The line is about this host and no other: such a line may be replaced, any other belongs to somebody else too. */
export function isOnlyFor(patterns: string, names: readonly string[]): boolean {
  return patterns.startsWith('|1|') ? matches(patterns, names) : names.includes(patterns.toLowerCase())
}

function hashedMatches(pattern: string, name: string): boolean {
  const [, , salt = '', hash = ''] = pattern.split('|')
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
}
