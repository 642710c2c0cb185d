import ssh2 from 'ssh2'

/** An ed25519 key pair made in this process, in OpenSSH's own format. */
export function newKey(comment: string): { readonly privateKey: string; readonly publicKey: string } {
  const { private: privateKey, public: line } = ssh2.utils.generateKeyPairSync('ed25519', { comment })
  return { privateKey, publicKey: line.split(' ', 2).join(' ') }
}

/** The public half of a private key file's text, `ssh-ed25519 AAAA…`; undefined where it is none, or is locked. */
export function publicHalfOf(text: string): string | undefined {
  const key = ssh2.utils.parseKey(text)
  if (key instanceof Error || !key.isPrivateKey()) return undefined
  return `${key.type} ${key.getPublicSSH().toString('base64')}`
}
