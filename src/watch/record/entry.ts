import { crc32 } from 'node:zlib'
import { isObject } from '../../files/json.ts'
import type { Message } from '../alerts/message.ts'

/** One line of the record. Times are ISO 8601; what has an `id` is told apart by it. */
export type RecordEntry =
  /** Somebody was watching all that time. */
  | { readonly kind: 'watched'; readonly from: string; readonly until: string }
  | ({ readonly kind: 'began' } & OutageBegin)
  /** Why, once somebody was asked. */
  | { readonly kind: 'cause'; readonly id: string; readonly cause: string }
  | { readonly kind: 'ended'; readonly id: string; readonly end: string }
  /** Has to be sent to that target. */
  | { readonly kind: 'message'; readonly id: string; readonly target: string; readonly message: Message }
  /** Need not be sent any more. */
  | { readonly kind: 'sent'; readonly id: string }

export interface OutageBegin {
  readonly id: string
  readonly name: string
  readonly role: 'gateway' | 'device'
  readonly condition: 'down' | 'partly' | 'flapping'
  readonly begin: string
  /** It may have begun so much earlier or later; absent: it is known well enough. */
  readonly plusMinusSeconds?: number
  readonly state?: string
  readonly says?: string
}

const kinds = new Set(['watched', 'began', 'cause', 'ended', 'message', 'sent'])

/** `CHECKSUM JSON`, with its line end: a line that was written in part has another checksum, or none. */
export function printEntry(entry: RecordEntry): string {
  const json = JSON.stringify(entry)
  return `${sum(json)} ${json}\n`
}

/** Of a line without its end. Undefined: it is not as it was written. */
export function parseEntry(line: string): RecordEntry | undefined {
  const json = line.slice(9)
  if (line[8] !== ' ' || sum(json) !== line.slice(0, 8)) return undefined
  const value: unknown = JSON.parse(json)
  return isObject(value) && kinds.has(String(value.kind)) ? (value as unknown as RecordEntry) : undefined
}

const sum = (text: string) => crc32(text).toString(16).padStart(8, '0')
