import { connect } from 'node:net'
import ssh2, { type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2'

/** What an agent holds. */
export interface AgentKeys {
  readonly keys: readonly ParsedKey[]
  /** Types of what ssh2 1.17 cannot use: certificates and FIDO keys (ssh2#551, ssh2#1206). */
  readonly foreign: readonly string[]
}

/** An agent that does not answer holds nothing: it is often a socket left by an old login. */
export async function agentKeys(socket: string): Promise<AgentKeys> {
  const blobs = await identities(socket).catch(() => [])
  const parsed = blobs.map(({ blob, comment }) => {
    const key = ssh2.utils.parseKey(blob)
    if (key instanceof Error) return blob.toString('latin1', 4, 4 + blob.readUInt32BE(0))
    return Object.assign(key, { comment })
  })
  return {
    keys: parsed.filter((key) => typeof key !== 'string'),
    foreign: parsed.filter((key) => typeof key === 'string'),
  }
}

const LIST = Buffer.from([0, 0, 0, 1, 11])
const LISTED = 12
const PATIENCE_MS = 5000

/** Asked by hand, because ssh2 drops what it cannot parse (draft-ietf-sshm-ssh-agent, 3.5). */
function identities(path: string): Promise<{ readonly blob: Buffer; readonly comment: string }[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(LIST))
    let heard: Buffer = Buffer.alloc(0)
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('it does not answer')))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it hung up')))
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk])
      if (heard.length < 5 || heard.length < 4 + heard.readUInt32BE(0)) return
      socket.destroy()
      try {
        resolve(heard[4] === LISTED ? listed(heard.subarray(5)) : [])
      } catch (error) {
        reject(error)
      }
    })
  })
}

function listed(answer: Buffer): { readonly blob: Buffer; readonly comment: string }[] {
  let at = 4
  const next = () => {
    const end = at + 4 + answer.readUInt32BE(at)
    const bytes = answer.subarray(at + 4, end)
    at = end
    return bytes
  }
  return Array.from({ length: answer.readUInt32BE(0) }, () => ({ blob: next(), comment: next().toString() }))
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
