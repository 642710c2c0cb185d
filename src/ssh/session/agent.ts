import { connect } from 'node:net'
import ssh2, { type GetStreamCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2'
import { type AgentKey, kinds, message, messages, parseKeys } from './agent-messages.ts'
import type { Connections } from './connections.ts'

/** What an agent holds. */
export interface AgentKeys {
  readonly keys: readonly ParsedKey[]
  /** Types of what ssh2 1.17 cannot use: certificates and FIDO keys (ssh2#551, ssh2#1206). */
  readonly foreign: readonly string[]
}

/** An agent that does not answer holds nothing: it is often a socket left by an old login. */
export async function agentKeys(socket: string, connections: Connections): Promise<AgentKeys> {
  const blobs = await identities(socket, connections).catch(() => [])
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

const ANSWER_TIMEOUT_MS = 5000

/** Asked by hand, because ssh2 drops what it cannot parse. */
async function identities(path: string, { hold }: Connections): Promise<AgentKey[]> {
  const socket = connect(path)
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('it does not answer')))
  socket.once(
    'close',
    hold(() => void socket.destroy()),
  )
  socket.write(message(kinds.list))
  for await (const answer of messages(socket)) return parseKeys(answer)
  return []
}

/** An agent whose connections end with all others: it may be waiting for somebody to say yes. */
class HeldAgent extends ssh2.OpenSSHAgent {
  readonly #connections: Connections

  constructor(socket: string, connections: Connections) {
    super(socket)
    this.#connections = connections
  }

  override getStream(callback: GetStreamCallback): void {
    super.getStream((error, stream) => {
      stream?.once(
        'close',
        this.#connections.hold(() => void stream.destroy()),
      )
      callback(error, stream)
    })
  }
}

/**
 * An agent that shows one key only, so that the order of all our offers is ours and none is made twice.
 * A class because ssh2 tells agents by `instanceof`.
 */
export class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: ssh2.BaseAgent
  readonly #key: ParsedKey

  constructor(socket: string, key: ParsedKey, connections: Connections) {
    super()
    this.#agent = new HeldAgent(socket, connections)
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
