import type { Readable } from 'node:stream'
import { fields } from '../host-keys/signed.ts'

// How programs speak with an agent (draft-ietf-sshm-ssh-agent): each message begins with its length and its kind.

export const kinds = { failure: 5, list: 11, listed: 12, sign: 13, signed: 14 } as const

export interface AgentKey {
  readonly blob: Buffer
  readonly comment: string
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Bytes with their length before them. */
export const field = (bytes: Buffer | string): Buffer =>
  Buffer.concat([number(Buffer.byteLength(bytes)), Buffer.from(bytes)])

export const message = (kind: number, ...parts: readonly Buffer[]): Buffer =>
  field(Buffer.concat([Buffer.from([kind]), ...parts]))

export const printKeys = (keys: readonly AgentKey[]): Buffer =>
  message(kinds.listed, number(keys.length), ...keys.flatMap(({ blob, comment }) => [field(blob), field(comment)]))

/** The keys of an answer; none where it is none. */
export function parseKeys(answer: Buffer): AgentKey[] {
  if (answer[4] !== kinds.listed) return []
  const found = fields(answer.subarray(9))
  return found.flatMap((blob, at) => (at % 2 === 0 ? [{ blob, comment: String(found[at + 1] ?? '') }] : []))
}

/** The whole messages that come, lengths included. */
export async function* messages(stream: Readable): AsyncGenerator<Buffer> {
  let heard = Buffer.alloc(0)
  for await (const chunk of stream) {
    heard = Buffer.concat([heard, chunk])
    while (heard.length >= 5 && heard.length >= 4 + heard.readUInt32BE(0)) {
      const end = 4 + heard.readUInt32BE(0)
      yield heard.subarray(0, end)
      heard = heard.subarray(end)
    }
  }
}
