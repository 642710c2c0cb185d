import type { ForwardStatus } from '../report/status/status.ts'
import { known } from '../resources/resource.ts'
import type { StatusEndpoint } from '../status/endpoint.ts'
import type { GatewayFacts } from '../status/gateway-facts.ts'
import { timingOf } from '../tunnel/timing.ts'

const nothingSeen = { of: () => undefined, gone: () => false, failed: () => false }

/**
 * A session that ended because nothing was heard of the device any more was over as long before as its keepalives took
 * to notice that: the status with the time at which the device was heard last.
 */
export function withBegin(status: ForwardStatus, endpoint: StatusEndpoint, { log }: GatewayFacts): ForwardStatus {
  // Who answers may be another one long after the session began.
  if (status.state === 'wrong-device') {
    const { since: _, ...rest } = status
    return rest
  }
  const { device, gateway, forward, account } = endpoint
  // Where devices share an account, its log lines do not tell whose session it was.
  if (status.state !== 'no-tunnel' || status.since === undefined || forward.listener !== 'socket') return status
  const ended = Date.parse(status.since)
  const noticed = log.some(
    ({ at, text }) =>
      Math.abs(at * 1000 - ended) < 5000 && text.replace(/^.* not responding from /, '').startsWith(`user ${account} `),
  )
  const timing = known(timingOf(device, gateway), nothingSeen)
  if (!noticed || !timing) return status
  // sshd gives up at the first keepalive after so many that were not answered.
  const silentMs = timing.interval * (timing.countMax + 1) * 1000
  return { ...status, since: new Date(ended - silentMs).toISOString() }
}
