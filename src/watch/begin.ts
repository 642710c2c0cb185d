import type { ForwardStatus } from '../report/status/status.ts'
import { type StatusEndpoint, tunnelEndAt } from '../status/endpoint.ts'
import type { GatewayFacts } from '../status/gateway-facts.ts'
import { deriveTiming, jailedKeepalive, leastTiming, type Timing } from '../tunnel/recovery.ts'
import { exactly, type Moment, narrowed } from './moment.ts'

/** What the watcher itself has seen of a forward. Milliseconds since 1970. */
export interface Witnessed {
  /** When the gateway told what it knows: that is what its ages count from. */
  readonly looked: number
  /** By when it was so: a proof that failed was in vain from its beginning, one that was good may not have been. */
  readonly proved: number
  /** When it was last found otherwise: well, if it is not now. Absent: never. */
  readonly before: number | undefined
}

/**
 * Between which two times a forward came to be as it was found: what the gateway shows, and what was found before and
 * now. Undefined: nobody knows.
 */
export function beginOf(
  status: ForwardStatus,
  endpoint: StatusEndpoint,
  told: GatewayFacts | undefined,
  { looked, proved, before }: Witnessed,
): Moment | undefined {
  const witnessed = before === undefined ? undefined : { earliest: before, latest: proved }
  return narrowed(told && shown(status, endpoint, told, looked), witnessed)
}

/** What the device's own ssh is set to. Where an sshd that is old owns its ports, it may ask more often than that. */
function timingAt({ device, forward }: StatusEndpoint): Timing {
  const found = deriveTiming(forward.listener, '10.0', device.recoverWithin)
  return 'timing' in found ? found.timing : leastTiming
}

/** A living tunnel is never silent for as long: it has been heard at two keepalives meanwhile. Seconds. */
export function silentSeconds(endpoint: StatusEndpoint): number {
  return 2 * timingAt(endpoint).interval + 2
}

/** A look is not as quick as a keepalive. */
const slackMs = 1_500

function shown(
  { state, since, holder, unit }: ForwardStatus,
  endpoint: StatusEndpoint,
  told: GatewayFacts,
  looked: number,
): Moment | undefined {
  if (since === undefined) return undefined
  const at = Date.parse(since)
  if (holder !== undefined || unit !== undefined) return exactly(at)
  const timing = timingAt(endpoint)
  if (state === 'stale') return fellSilent(at, looked, timing)
  if (state === 'no-tunnel') return ended(at, endpoint, told, timing)
  return exactly(at)
}

/**
 * A tunnel that lives is heard at every keepalive: it died between the last one that came and the next. One that is
 * heard says nothing: then it is the sshd behind it that does not answer.
 */
function fellSilent(heard: number, looked: number, { interval }: Timing): Moment | undefined {
  const intervalMs = interval * 1000
  return looked - heard > intervalMs + slackMs ? { earliest: heard, latest: heard + intervalMs } : undefined
}

/**
 * When a session ends without goodbye, its device or the link may have been gone for as long as the keepalives of the
 * side take that noticed it.
 */
function ended(at: number, endpoint: StatusEndpoint, told: GatewayFacts, timing: Timing): Moment {
  const end = tunnelEndAt(endpoint, told)
  if (!end || end.how === 'goodbye' || end.how === 'power') return exactly(at)
  if (end.how === 'abrupt') return { earliest: at - silenceMs(timing), latest: at }
  const silent = silenceMs(endpoint.forward.listener === 'socket' ? jailedKeepalive : timing)
  // Up to OpenSSH 9.4 sshd's clock of keepalives may run at half speed.
  return { earliest: at - (end.old ? 2 : 1) * silent, latest: at - silent + timing.interval * 1000 }
}

/** A side gives up at the first keepalive after so many that were not answered. */
const silenceMs = ({ interval, countMax }: Pick<Timing, 'interval' | 'countMax'>) => interval * (countMax + 1) * 1000
