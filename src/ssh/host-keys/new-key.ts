import ssh2 from 'ssh2'

/** An ed25519 key pair made in this process, in OpenSSH's own format. */
export function newKey(comment: string): { readonly privateKey: string; readonly publicKey: string } {
  const { private: privateKey, public: line } = ssh2.utils.generateKeyPairSync('ed25519', { comment })
  const [type, blob = ''] = line.split(' ', 2)
  // ssh2 1.17 loses the first byte of a public key where that is zero: one pair of 256, which OpenSSH cannot load.
  return Buffer.from(blob, 'base64').length === lengthOfBlob
    ? { privateKey, publicKey: `${type} ${blob}` }
    : newKey(comment)
}

/** `ssh-ed25519` and the 32 bytes of the key, each after its length. */
const lengthOfBlob = 4 + 11 + 4 + 32

/** The public half of a private key file's text, `ssh-ed25519 AAAA…`; undefined where it is none, or is locked. */
export function publicHalfOf(text: string): string | undefined {
  const key = ssh2.utils.parseKey(text)
  if (key instanceof Error || !key.isPrivateKey()) return undefined
  return `${key.type} ${key.getPublicSSH().toString('base64')}`
}
