import type { ProvisionError } from '../errors.ts'
import { keepaliveSeconds } from '../ssh/session/link.ts'
import type { LostSession } from '../status/gateway-sessions.ts'
import { type Moment, narrowed } from './moment.ts'

/** What was seen of a gateway. Times in milliseconds since 1970, as all here. */
export interface GatewaySight {
  readonly name: string
  readonly at: number
  readonly error?: ProvisionError
  readonly booted?: number
  /** Since when it is reached, or is not, where that is known. */
  readonly begin?: Moment | undefined
}

/** A gateway that did not answer when it was asked, and when it had heard the last question that it answered. */
export interface Unanswered {
  readonly asked: number
  readonly answered: number | undefined
  readonly lost: LostSession | undefined
}

/** A connection that fell silent was cut between the last keepalive that was answered and the next. */
export function goneSince({ asked, answered, lost }: Unanswered): Moment | undefined {
  if (answered === undefined) return undefined
  const within = { earliest: answered, latest: Math.max(answered, lost?.at ?? asked) }
  if (lost?.silentSeconds === undefined) return within
  const latest = lost.at - lost.silentSeconds * 1000
  const earliest = lost.silentSeconds > 0 ? latest - keepaliveSeconds * 1000 : latest
  return narrowed({ earliest, latest }, within)
}

/** … and when one that did not answer has. One that was off came back when it was started, or later. */
export function reachedSince(seen: {
  readonly at: number
  /** When the last try was begun that failed. Absent: none did. */
  readonly failed: number | undefined
  /** Seconds. */
  readonly bootAge: number | undefined
}): Pick<GatewaySight, 'booted' | 'begin'> {
  const { at, failed, bootAge } = seen
  const booted = bootAge === undefined ? undefined : at - bootAge * 1000
  return {
    ...(booted !== undefined && { booted }),
    ...(failed !== undefined && { begin: { earliest: Math.min(at, Math.max(failed, booted ?? 0)), latest: at } }),
  }
}
