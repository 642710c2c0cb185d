import type { ConnectKind } from '../errors.ts'
import type { LinkReport } from '../report/doctor/doctor.ts'
import type { ForwardReport, Trouble } from '../report/report.ts'
import { type DialAttempt, parseDialAttempt } from './attempt.ts'
import { type Facts, properties } from './facts.ts'
import { ago, type LoginHistory, past } from './log.ts'
import type { TunnelParts } from './tunnel.ts'

/** What there is to judge one tunnel by. */
export interface Case {
  readonly tunnel: TunnelParts
  /** The inventory as the user named it, for commands. */
  readonly inventory: string
  readonly gateway: HostEvidence
  readonly device: HostEvidence
  /** What a login through each forward came to. */
  readonly forwards: readonly ForwardReport[]
}

/** One of the two machines: what it reported, or why it could not be asked. */
export interface HostEvidence {
  readonly facts?: Facts
  /** The host keys that it proved to us, as `ssh-ed25519 AAAA…`. */
  readonly hostKeys: readonly string[]
  /** When its facts were there, in seconds, by a clock that both sides share. */
  readonly at: number
  /** How it was reached. */
  readonly via?: string
  readonly error?: Trouble & {
    readonly kind?: ConnectKind | undefined
    /** The machine answered, and nothing listens on the port of its sshd. */
    readonly portClosed?: true
  }
}

/** What is known of one link. `unseen`: nobody can look at it from here. */
export type LinkVerdict =
  | { readonly state: 'ok' | 'unseen'; readonly says: string }
  | {
      readonly state: 'broken'
      readonly says: string
      readonly mend: string
      readonly mendedBy: NonNullable<LinkReport['mendedBy']>
    }

export const ok = (says: string): LinkVerdict => ({ state: 'ok', says })
export const unseen = (says: string): LinkVerdict => ({ state: 'unseen', says })
/** Something is to be done by hand, if only first. */
export const broken = (says: string, mend: string): LinkVerdict => ({ state: 'broken', says, mend, mendedBy: 'hand' })
/** It is not what the inventory wants: a run of provision by itself puts it right. */
export const notAsWanted = (says: string, run: string): LinkVerdict => ({
  ...{ state: 'broken', says, mend: run },
  mendedBy: 'run',
})

/** The run that puts these hosts right. */
export const provisionCommand = ({ inventory }: Case, ...names: readonly string[]) =>
  `provision ${inventory}${names.map((name) => ` --limit ${name}`).join('')}`

/** … and both ends of the tunnel, as far as they can be reached from here. */
export const provisionBothCommand = (c: Case) =>
  provisionCommand(c, c.tunnel.gateway.name, ...(c.device.facts ? [c.tunnel.device.name] : []))

/** What the gateway has of a device's key comes from the device itself. */
export function provisionKeyCommand(c: Case): string {
  const { device, gateway, keyFile, key } = c.tunnel
  const both = provisionCommand(c, gateway.name, device.name)
  if (c.device.facts) return both
  const byHand = onHost(
    gateway.name,
    `put the key from ${key}.pub of the device into the line of ${device.name} in ${keyFile}`,
  )
  return `from where ${device.name} can be reached: ${both}; or by hand ${byHand}`
}

/** This machine has no such program: what that would tell is not known. */
export const lacks = ({ facts }: HostEvidence, program: string): boolean =>
  (facts?.get('missing') ?? '').split('\n').includes(program)

/** The unit that runs sshd there, or would run it, as systemctl takes it; the usual one where nobody could be asked. */
export const sshdUnit = ({ facts }: HostEvidence): string =>
  properties(facts?.get('sshd-unit')).Id?.replace(/\.service$/, '') ?? 'ssh'

export const onHost = (name: string, command: string) => `on ${name}: ${command}`

export const attemptOf = ({ device }: Case): DialAttempt | undefined => {
  const text = device.facts?.get('try')
  return text === undefined || lacks(device, 'ssh') ? undefined : parseDialAttempt(text)
}

export const loginHistoryOf = ({ gateway, tunnel }: Case): LoginHistory | undefined =>
  gateway.facts && past(gateway.facts, tunnel.account)

/** The tunnel itself is up, whatever its other end does with connections. */
export const stands = ({ forwards }: Case) =>
  forwards.some(({ state }) => state === 'ok' || state === 'device-sshd-down')

/** Events of the last so many seconds count as the present. */
const recently = 60

/**
 * What is in the gateway's log of the last minute about this device; of a site with several, only what names its
 * account.
 */
export function heard(c: Case) {
  const found = loginHistoryOf(c)
  if (!found) return []
  const ownAccount = c.tunnel.listener === 'socket'
  return found.since.filter(
    (entry) => found.now - entry.at < recently && (!found.shared || (ownAccount && found.isOfAccount(entry))),
  )
}

/** A link that only the device can see. Where it was not reached, the gateway's log may show it. */
export function fromDevice(c: Case, look: (facts: Facts, attempt: DialAttempt) => LinkVerdict): LinkVerdict {
  const attempt = attemptOf(c)
  if (c.device.facts && attempt) return look(c.device.facts, attempt)
  if (stands(c)) return ok('the tunnel is up')
  const found = loginHistoryOf(c)
  const last = Math.max(heard(c).at(-1)?.at ?? 0, found?.newest?.at ?? 0)
  if (found && found.now - last < recently)
    return ok(`${c.tunnel.gateway.name} heard from ${c.tunnel.device.name} ${ago(last, found.now)}`)
  return unseen(`${c.tunnel.device.name} was not reached`)
}
