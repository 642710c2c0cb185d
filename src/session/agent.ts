import ssh2, { type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2'

/**
 * The keys an agent holds. An agent that does not answer holds none: it is often a socket left by an old login.
 * ssh2 1.17 cannot use certificates and FIDO keys (ssh2#551, ssh2#1206): they are left out.
 */
export function agentKeys(socket: string): Promise<readonly ParsedKey[]> {
  return new Promise((resolve) => {
    ssh2.createAgent(socket).getIdentities((error, keys = []) => {
      if (error) return resolve([])
      const parsed = keys.map((key) => {
        const one = typeof key === 'object' && 'pubKey' in key ? key.pubKey : key
        return ssh2.utils.parseKey(one as Buffer | ParsedKey)
      })
      resolve(parsed.filter((key): key is ParsedKey => !(key instanceof Error)))
    })
  })
}

/**
 * An agent that shows one key only, so that the order of all our offers is ours and none is made twice.
 * A class because ssh2 tells agents by `instanceof`.
 */
export class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: ssh2.BaseAgent
  readonly #key: ParsedKey

  constructor(socket: string, key: ParsedKey) {
    super()
    this.#agent = ssh2.createAgent(socket)
    this.#key = key
  }

  override getIdentities(callback: (error?: Error | null, keys?: ParsedKey[]) => void): void {
    callback(null, [this.#key])
  }

  override sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback) {
    if (typeof options === 'function') this.#agent.sign(key, data, options)
    else this.#agent.sign(key, data, options, callback)
  }
}
