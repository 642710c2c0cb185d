import { readIfThere, rewrite } from '../files/atomic.ts'
import { type Device, type Enrolment, nameOnGateways } from '../inventory/model.ts'
import {
  type HostKey,
  hostKeyText,
  isOnlyFor,
  knownNames,
  parseHostKey,
  parseKnownLine,
} from '../ssh/host-keys/known-hosts.ts'
import type { Pins } from '../ssh/host-keys/pins.ts'
import { isSignedBy } from '../ssh/host-keys/signature.ts'

/**
 * A card that was made for a device and has not come back yet: a comment in the file of pins, `# enrolment DEVICE KEY
 * EXPIRES`, by the name that its gateways know. Its key is what tells the device that comes back from everybody else,
 * the gateway included, which has only the public half.
 */
export type ExpectedCard = Pick<Enrolment, 'device' | 'publicKey' | 'expires'>

/** From now on this card is the one that is waited for. */
export function expectCard({ file }: Pick<Pins, 'file'>, { device, publicKey, expires }: ExpectedCard): Promise<void> {
  const line = `# enrolment ${device} ${publicKey} ${expires}\n`
  return rewrite(file, (before) => {
    const others = without(before, device)
    return `${others}${others === '' || others.endsWith('\n') ? '' : '\n'}${line}`
  })
}

export async function expectedCards({ file }: Pick<Pins, 'file'>): Promise<ExpectedCard[]> {
  const lines = (await readIfThere(file)).matchAll(/^# enrolment (\S+) (ssh-ed25519 \S+) (\d+)$/gm)
  return [...lines].map(([, device = '', publicKey = '', expires]) => ({ device, publicKey, expires: Number(expires) }))
}

/** What a device with a fresh card has handed in, as its gateway keeps it: TIME TOKEN-DIGEST MESSAGE SIGNATURE. */
export interface EnrolmentRequest {
  readonly at: Date
  readonly hostKeys: readonly HostKey[]
  /** All of it, as it was signed. */
  readonly message: string
}

/** undefined: nothing, of another card, or not signed by this one. */
export function parseEnrolmentRequest(
  record: string,
  { device, publicKey }: ExpectedCard,
): EnrolmentRequest | undefined {
  const [, time, message = '', signature = ''] = /^(\d{1,11}) \S+ (\S+) (\S+)$/.exec(record.trim()) ?? []
  const text = Buffer.from(message, 'base64')
  const armored = Buffer.from(signature, 'base64').toString('latin1')
  if (!isSignedBy(publicKey, { message: text, armored, namespace: 'provision-enrolment' })) return undefined
  const rows = text.toString('utf8').split('\n')
  if (rows[0] !== 'provision enrolment 1' || !rows.includes(`name ${device}`)) return undefined
  const hostKeys = rows.flatMap((row) => (row.startsWith('host-key ') ? (parseHostKey(row.slice(9)) ?? []) : []))
  return hostKeys.length > 0 ? { at: new Date(Number(time) * 1000), hostKeys, message } : undefined
}

/** No card of this device is waited for. */
export function forgetCard({ file }: Pick<Pins, 'file'>, device: string): Promise<void> {
  return rewrite(file, (before) => without(before, device))
}

/** These keys are the device's now: in place of its pins, and the card has done what it was for. */
export function pinCard({ file }: Pick<Pins, 'file'>, device: Device, keys: readonly HostKey[]): Promise<void> {
  const names = knownNames(device.name, device.port)
  return rewrite(file, (before) => {
    const kept = without(before, nameOnGateways(device))
      .split(/(?<=\n)/)
      .filter((line) => {
        const known = parseKnownLine(line)
        return known === undefined || known.revoked || known.authority || !isOnlyFor(known.patterns, names)
      })
      .join('')
    const fresh = keys.map((key) => `${device.name} ${hostKeyText(key)}\n`).join('')
    return `${kept}${kept === '' || kept.endsWith('\n') ? '' : '\n'}${fresh}`
  })
}

const without = (text: string, device: string) =>
  text
    .split(/(?<=\n)/)
    .filter((line) => !line.startsWith(`# enrolment ${device} `))
    .join('')
