import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2'
import type { KnownKeys } from '../../host-keys/pinned.ts'

const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

/**
 * No SHA-1 anywhere (ssh2 1.17 still offers ssh-rsa and hmac-sha1). Key types that we have pins for come first, as
 * OpenSSH does: with only the RSA key known, a server that has ed25519 too must not look like a changed one. The
 * others stay behind them, so that a host without any pinned type shows us the key it has.
 */
export function algorithms(known: Pick<KnownKeys, 'keys'>): Algorithms {
  const types = new Set(known.keys.map((key) => key.type))
  const isPinned = (name: string) => types.has(name.startsWith('rsa-') ? 'ssh-rsa' : name)
  return {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group-exchange-sha256',
      'diffie-hellman-group14-sha256',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group18-sha512',
    ],
    serverHostKey: [...HOST_KEYS.filter(isPinned), ...HOST_KEYS.filter((name) => !isPinned(name))],
    hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    compress: ['none'],
  }
}
