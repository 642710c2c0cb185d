import { printListener } from '../../inventory/forward.ts'
import { duration } from '../duration.ts'
import { clean } from '../inert.ts'
import type { ForwardState, RunsOn } from '../report.ts'
import type { ForwardStatus, StatusReport } from './status.ts'

/** The texts of a status, the same for terminal and page. What a host sent is cleaned here. */

/** How long before the report that was. */
export function age(time: string | undefined, { at }: Pick<StatusReport, 'at'>): string | undefined {
  return time === undefined ? undefined : duration((Date.parse(at) - Date.parse(time)) / 1000)
}

/** The last good proof: this look's own is `now`. Undefined: this machine knows of none. */
export function proved(forward: ForwardStatus, report: Pick<StatusReport, 'at'>): string | undefined {
  if (forward.state === 'ok') return 'now'
  const before = age(forward.lastProof, report)
  return before && `${before} ago`
}

export function place({ bindAddress, port, gateway }: ForwardStatus): string {
  return `${printListener({ bindAddress, port })} on ${gateway}`
}

export function runs({ os, model, sshd }: RunsOn = {}): string {
  const software = sshd?.split(' ')[0]?.replace('_', ' ')
  return clean([model, os, software].filter(Boolean).join(', '))
}

export function promise({ recovery }: ForwardStatus): string | undefined {
  return recovery && `${recovery.powerCut} s, ${recovery.silentLink} s`
}

/** The lines below a forward that is not ok: what was found, then what is there instead. */
export function troubles(forward: ForwardStatus, report: Pick<StatusReport, 'at'>): string[] {
  if (forward.state === 'ok') return []
  const up = age(forward.session?.since, report)
  const from = forward.session?.from
  return [
    ...(forward.error ? clean(forward.error.message).trim().split('\n') : []),
    ...(forward.holder ? [`another program has this port: ${clean(forward.holder)}`] : []),
    ...(forward.unit ? [clean(forward.unit)] : []),
    ...(up ? [`its session on the gateway is ${up} old${from ? `, from ${clean(from)}` : ''}`] : []),
  ]
}

/** `58 of 60 forwards reach their device` */
export function summary({ forwards }: Pick<StatusReport, 'forwards'>): string {
  const answering = forwards.filter(({ state }) => state === 'ok').length
  if (forwards.length === 0) return 'no forward to look at'
  const all = `${answering} of ${forwards.length} forward${forwards.length === 1 ? '' : 's'}`
  return `${all} ${answering === 1 ? 'reaches its' : 'reach their'} device`
}

/** Worst first; an order of its own for each state, so that a page looks the same at the next look. */
export const order: readonly ForwardState[] = [
  'wrong-device',
  'no-tunnel',
  'stale',
  'device-sshd-down',
  'unverified',
  'ok',
]

export function worstFirst(forwards: readonly ForwardStatus[]): ForwardStatus[] {
  return [...forwards].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
}

/** What each state means, in a few words. */
export const meaning: Readonly<Record<ForwardState, string>> = {
  ok: 'answers as itself',
  'no-tunnel': 'there is no tunnel behind the port',
  stale: 'the port is open, but nothing answers',
  'device-sshd-down': 'the tunnel is up, but the device’s sshd is not',
  'wrong-device': 'another machine answers',
  unverified: 'could not be checked',
}
