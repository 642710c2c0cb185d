import { createHash, randomBytes } from 'node:crypto'
import type { Enrolment } from '../inventory/model.ts'
import { newKey } from '../ssh/host-keys/new-key.ts'

/** What the card alone has: never written anywhere else, never printed. */
export interface CardSecrets {
  readonly privateKey: string
  readonly token: string
}

/** A one-time key and a token for one card, and what the gateways are told of them. */
export function newEnrolment(
  device: string,
  { now, hours }: { readonly now: Date; readonly hours: number },
): { readonly secrets: CardSecrets; readonly enrolment: Enrolment } {
  const token = randomBytes(16).toString('hex')
  const { privateKey, publicKey } = newKey(`enrolment of ${device}`)
  const tokenDigest = createHash('sha256').update(token).digest('hex')
  const expires = Math.floor(now.getTime() / 1000) + Math.round(hours * 3600)
  return { secrets: { privateKey, token }, enrolment: { device, publicKey, tokenDigest, expires } }
}
