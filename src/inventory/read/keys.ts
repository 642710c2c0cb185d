import { isPrivateKey, list } from '../messages.ts'
import { isControl } from '../names.ts'

// Messages of this file never hold any of what was read: it may be a secret that was pasted into the wrong place.

/** How many parts the body of each kind has, its own name included: a body cut short or pasted twice has others. */
const PARTS: Readonly<Record<string, number>> = {
  'ssh-ed25519': 2,
  'ssh-rsa': 3,
  'ecdsa-sha2-nistp256': 3,
  'ecdsa-sha2-nistp384': 3,
  'ecdsa-sha2-nistp521': 3,
  'sk-ssh-ed25519@openssh.com': 3,
  'sk-ecdsa-sha2-nistp256@openssh.com': 4,
}

export type KeyReading = { readonly key: string } | { readonly problem: string }

/** A line of authorized_keys: `[options] type body [comment]`. */
export function readAuthorizedKey(text: string): KeyReading {
  const line = text.trim()
  const secret = misplaced(line)
  if (secret !== undefined) return { problem: secret }
  const options = isTypeWord(firstWord(line)) ? '' : takeOptions(line)
  if (options === undefined) return { problem: 'is not a public key: copy the one line of the .pub file' }
  const problem = bodyProblem(line.slice(options.length).trimStart()) ?? optionsProblem(options)
  return problem === undefined ? { key: line } : { problem }
}

/** sshd lets nobody in by a line with an option that it does not know, and says so in its log alone. */
function optionsProblem(options: string): string | undefined {
  const each = options.match(/[A-Za-z][A-Za-z0-9-]*(="(\\"|[^"])*")?/g) ?? []
  const isKnown = (option: string) => {
    const [name = ''] = option.toLowerCase().split('=', 1)
    return (option.includes('=') ? WITH_VALUE : ALONE).has(name)
  }
  if (each.every(isKnown)) return undefined
  const known = [...ALONE, ...[...WITH_VALUE].map((name) => `${name}="…"`)]
  return `has an option before the key that sshd does not know, so that sshd would pass over the line: known are ${list(known)}`
}

/** Of authorized_keys, in sshd(8). */
const ALONE = new Set([
  ...['restrict', 'agent-forwarding', 'port-forwarding', 'pty', 'user-rc', 'x11-forwarding', 'cert-authority'],
  ...['no-agent-forwarding', 'no-port-forwarding', 'no-pty', 'no-user-rc', 'no-x11-forwarding'],
  ...['no-touch-required', 'verify-required'],
])
const WITH_VALUE = new Set([
  ...['command', 'environment', 'expiry-time', 'from', 'permitlisten', 'permitopen', 'principals', 'tunnel'],
])

/**
 * A pin: a fingerprint as `ssh-keygen -l` prints it, or a public key, given back without its comment; behind
 * `@cert-authority`, that of whoever signs the host's certificate.
 */
export function readHostKey(text: string): KeyReading {
  const line = text.trim()
  const secret = misplaced(line)
  if (secret !== undefined) return { problem: secret }
  if (/^sha256:/i.test(line)) return readFingerprint(line)
  if (/^(MD5:)?([0-9a-f]{2}:){15}[0-9a-f]{2}$/i.test(line)) {
    return {
      problem: 'is an MD5 fingerprint, which is not safe enough: write the SHA256 one of ssh-keygen -l -E sha256',
    }
  }
  const words = line.split(/\s+/)
  if (words[0] === '@cert-authority') return readAuthority(words.slice(1))
  if (words[0]?.startsWith('@')) return { problem: 'begins with an unknown marker: only @cert-authority is known' }
  if (!isTypeWord(words[0] ?? '') && isTypeWord(words[1] ?? '')) {
    return { problem: 'is a line of known_hosts: leave out its first word, the host' }
  }
  const problem = bodyProblem(line)
  return problem === undefined ? { key: words.slice(0, 2).join(' ') } : { problem }
}

function readAuthority(words: readonly string[]): KeyReading {
  const line = words.join(' ')
  if (/^sha256:/i.test(line)) {
    return { problem: 'is the fingerprint of an authority, which is not enough: write its public key' }
  }
  if (!isTypeWord(words[0] ?? '') && isTypeWord(words[1] ?? '')) {
    return { problem: 'is a line of known_hosts: leave out the hosts between @cert-authority and the key' }
  }
  const reading = readHostKey(line)
  return 'key' in reading ? { key: `@cert-authority ${reading.key}` } : reading
}

/** Is this meant to be a key, and not the path of one? */
export function looksLikeKey(text: string): boolean {
  return (
    isPrivateKey(text) ||
    foreignKey(text) !== undefined ||
    text.split(/\s+/).some((word) => isTypeWord(word)) ||
    /AAAA[A-Za-z0-9+/]{16}/.test(text)
  )
}

/** Public keys in the formats of other programs. */
export function foreignKey(text: string): string | undefined {
  if (/^---- BEGIN SSH2 PUBLIC KEY ----/m.test(text))
    return 'is a public key as PuTTY saves it (RFC 4716): ssh-keygen -i -f FILE prints the line to write'
  if (/^-----BEGIN (RSA )?PUBLIC KEY-----/m.test(text))
    return `is a public key in PEM: ssh-keygen -i -m ${/BEGIN RSA/.test(text) ? 'PEM' : 'PKCS8'} -f FILE prints the line to write`
  return undefined
}

function misplaced(line: string): string | undefined {
  const foreign = foreignKey(line)
  if (foreign !== undefined) return foreign
  if (/^PuTTY-User-Key-File/m.test(line))
    return 'is a private key of PuTTY, which must stay where it is: puttygen -L prints its public line'
  if (isPrivateKey(line)) {
    return 'is a private key, which must stay where it is: write the public one, from the .pub file beside it'
  }
  return isControl(line.replaceAll('\t', ' '))
    ? 'holds a line break or control character: write one key per entry'
    : undefined
}

function readFingerprint(line: string): KeyReading {
  const digest = line.slice('SHA256:'.length)
  const bytes = Buffer.from(digest, 'base64')
  const exact = bytes.length === 32 && bytes.toString('base64').replace(/=+$/, '') === digest
  if (line.startsWith('SHA256:') && exact) return { key: line }
  return {
    problem: 'is not a complete SHA256 fingerprint: copy "SHA256:" and the 43 characters after it from ssh-keygen -l',
  }
}

function isTypeWord(word: string): boolean {
  return /^(ssh|ecdsa|sk|rsa|x509v3|webauthn-sk)-[a-z0-9@.-]{1,60}$/.test(word)
}

function firstWord(line: string): string {
  return line.split(/\s/, 1)[0] ?? ''
}

/** The options before a key, up to the first blank outside double quotes; undefined where these are no options. */
function takeOptions(line: string): string | undefined {
  return /^[A-Za-z][A-Za-z0-9-]*(="(\\"|[^"])*")?(,[A-Za-z][A-Za-z0-9-]*(="(\\"|[^"])*")?)*(?=\s)/.exec(line)?.[0]
}

function bodyProblem(line: string): string | undefined {
  const [type = '', body = ''] = line.split(/\s+/)
  if (!isTypeWord(type)) return 'is not a public key: copy the one line of the .pub file'
  if (type.includes('-cert-v0'))
    return 'is a certificate: write the plain public key, from the .pub file without "-cert"'
  if (type === 'ssh-dss') return 'is a DSA key, which OpenSSH no longer accepts: make one with ssh-keygen -t ed25519'
  const parts = PARTS[type]
  if (parts === undefined)
    return `begins with ${type}, which is not a known type of key: known are ${list(Object.keys(PARTS))}`
  const bytes = Buffer.from(body, 'base64')
  if (body === '' || bytes.toString('base64') !== body) return broken(type, 'is not base64')
  const fields = readFields(bytes)
  if (fields?.[0]?.toString('latin1') !== type) return broken(type, 'is of another type, or incomplete')
  return fields.length === parts && fieldsFit(type, fields) ? undefined : broken(type, 'is incomplete')
}

function broken(type: string, why: string): string {
  return `is not a valid ${type} key, because its second word ${why}: copy the whole line of the .pub file again`
}

function fieldsFit(type: string, fields: readonly Buffer[]): boolean {
  if (fields.some((field) => field.length === 0)) return false
  if (type.includes('ed25519')) return fields[1]?.length === 32
  return !type.includes('nistp') || type.includes(fields[1]?.toString('latin1') ?? '?')
}

/** A public key's body is a row of byte strings, each behind its length. */
function readFields(bytes: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) return undefined
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) return undefined
    fields.push(bytes.subarray(at + 4, end))
    at = end
  }
  return fields
}
