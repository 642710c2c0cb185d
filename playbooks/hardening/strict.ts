import {
  type Device,
  type Gateway,
  hostKeysOf,
  type Inventory,
  known,
  pinnedKeys,
  type Seen,
  type Setting,
} from '../../src/index.ts'
import { knownHosts } from '../../src/tunnel/names.ts'

/** Algorithms that ssh-audit has nothing against; OpenSSH 6.5 and later, ssh2 and PuTTY have one of each kind. */
export function strictSettings(host: Gateway | Device, inventory: Inventory): Setting[] {
  return [
    ['KexAlgorithms', list(classicKex), { before: '8.5' }],
    ['KexAlgorithms', list([hybrid, ...classicKex]), { since: '8.5', before: '9.9' }],
    ['KexAlgorithms', list(['mlkem768x25519-sha256', 'sntrup761x25519-sha512', hybrid, ...classicKex]), '9.9'],
    ['Ciphers', list(ciphers)],
    ['MACs', list(macs)],
    ['HostKeyAlgorithms', (seen) => hostKeyAlgorithms(host, inventory, seen)],
    ['PubkeyAcceptedKeyTypes', list(withCertificates(userKeys)), { before: '8.5' }],
    ['PubkeyAcceptedAlgorithms', list(withCertificates(userKeys)), '8.5'],
    ['RequiredRSASize', '2048', '9.1'],
  ]
}

const list = (names: readonly string[]) => names.join(',')

const hybrid = 'sntrup761x25519-sha512@openssh.com'
const classicKex = ['curve25519-sha256', 'curve25519-sha256@libssh.org']

const ciphers = [
  'chacha20-poly1305@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-gcm@openssh.com',
  'aes256-ctr',
  'aes192-ctr',
  'aes128-ctr',
]

/** Encrypt-then-MAC only. */
const macs = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'umac-128-etm@openssh.com']

const rsa = ['rsa-sha2-512', 'rsa-sha2-256']
const ecdsa = ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521']

/** Which key people have is their choice, and to refuse it would shut them out: SHA-1 and DSA go, the rest stays. */
const userKeys = ['ssh-ed25519', 'sk-ssh-ed25519@openssh.com', ...ecdsa, 'sk-ecdsa-sha2-nistp256@openssh.com', ...rsa]

/**
 * Keys stay on the host. A weak one is no longer offered, where there is an ed25519 key and everybody whose pins are
 * known to us knows another one of those that are left: we ourselves, and on a gateway its devices.
 */
function hostKeyAlgorithms(host: Gateway | Device, inventory: Inventory, seen: Seen): string | undefined {
  const keys = known(hostKeysOf(host.name), seen)
  if (keys === undefined) return undefined
  const strong = keys.filter((key) => isEd25519(key) || isLongRsa(key))
  const needed = pinsOf(host, inventory, seen).filter((pins) => !pins.some((pin) => strong.includes(pin)))
  const offered = keys.some(isEd25519) ? [...strong, ...needed.flat()] : keys
  const names = ['ssh-ed25519', ...(offered.some(isRsa) ? rsa : []), ...ecdsa.filter((name) => offered.some(is(name)))]
  return list(withCertificates(names))
}

const is = (type: string) => (key: string) => key.startsWith(`${type} `)
const isRsa = is('ssh-rsa')
const isEd25519 = is('ssh-ed25519')

/** Its body is little longer than its number: 3072 bits are what ssh-keygen makes, and ssh-audit asks for. */
const isLongRsa = (key: string) => isRsa(key) && atob(key.split(' ')[1] ?? '').length * 8 >= 3072

/** What each of those who log in there knows it by; who knows nothing yet will learn all its keys. */
function pinsOf({ name, role }: Gateway | Device, { devices }: Inventory, seen: Seen) {
  const ours = seen.hostKey?.(name)
  const theirs =
    role === 'device' ? [] : devices.map((device) => pinnedKeys(knownHosts, { on: device.name, name }, seen))
  return [ours === undefined ? [] : [ours], ...theirs].filter((pins) => pins.length > 0)
}

/** A certificate is offered, or taken, only where there is one. */
function withCertificates(names: readonly string[]): string[] {
  const certificate = (name: string) => {
    const [plain, domain] = name.split('@')
    return `${plain}-cert-v01@${domain ?? 'openssh.com'}`
  }
  return [...names.map(certificate), ...names]
}
