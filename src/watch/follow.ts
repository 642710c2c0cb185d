import pLimit from 'p-limit'
import { ConnectError, type ProvisionError } from '../errors.ts'
import type { Gateway } from '../inventory/model.ts'
import type { ForwardReport } from '../report/report.ts'
import type { ForwardStatus } from '../report/status/status.ts'
import type { Session } from '../ssh/session/session.ts'
import { endpointStatus, type StatusEndpoint, sessionAt, tunnelStands } from '../status/endpoint.ts'
import type { GatewayFacts } from '../status/gateway-facts.ts'
import type { GatewayAnswer, Gateways } from '../status/gateway-sessions.ts'
import { withBegin } from './begin.ts'
import { isDue, type LastProof, restMs } from './proof-time.ts'

/** What a gateway is asked with, and who is told. */
export interface Following {
  readonly gateways: Gateways
  /** Does the forward reach its device; the device's own host key says so. */
  readonly prove: (endpoint: StatusEndpoint, session: Session, stands: boolean | undefined) => Promise<ForwardReport>
  readonly everySeconds: number
  /** How many forwards there are in all: the more, the seldomer each is proved. */
  readonly forwards: number
  readonly ended: AbortSignal
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<unknown>
  readonly onGateway: (sight: GatewaySight) => void
  readonly onForward: (sight: ForwardStatus, at: number) => void
}

export interface GatewaySight {
  readonly name: string
  readonly at: number
  readonly error?: ProvisionError
  /** Milliseconds since 1970. */
  readonly booted?: number
}

interface Tracked {
  readonly endpoint: StatusEndpoint
  last?: LastProof
  proving: boolean
}

/** So many proofs at once through one gateway. */
const mostProofs = 8
/** The first wait after a gateway that did not answer, the longest, and that after a login that was refused. */
const [firstWaitMs, longestWaitMs, refusedWaitMs] = [2_000, 30_000, 300_000]

/**
 * Watches one gateway until all is to end: one exec after the other, each of which waits for news on the gateway and
 * then tells what stands there. A gateway that does not answer is tried for ever.
 */
export async function follow(
  gateway: Gateway,
  endpoints: readonly StatusEndpoint[],
  following: Following,
): Promise<void> {
  const { gateways, everySeconds, ended, now, sleep, onGateway } = following
  const proofs = proofsOf(endpoints, following)
  let since: string | undefined
  for (let failures = 0; !ended.aborted; ) {
    const answer = await gateways.ask(gateway, endpoints, { since, seconds: everySeconds })
    if (ended.aborted) return
    if (!answer.session) {
      onGateway({ name: gateway.name, at: now(), ...(answer.error && { error: answer.error }) })
      since = undefined
      await sleep(pause(answer.error, failures++))
      continue
    }
    failures = 0
    const bootAge = answer.told?.bootAge
    onGateway({ name: gateway.name, at: now(), ...(bootAge !== undefined && { booted: now() - bootAge * 1000 }) })
    proofs.look(answer)
    const waited = since !== undefined
    since = answer.told?.place
    if (since === undefined || (waited && !answer.told)) await sleep(everySeconds * 1000)
  }
}

function pause(error: ProvisionError | undefined, failures: number): number {
  if (error instanceof ConnectError && error.kind !== 'unreachable') return refusedWaitMs
  return Math.min(longestWaitMs, firstWaitMs * 2 ** failures)
}

/** Proves what is due after each look, beside the next one. */
function proofsOf(endpoints: readonly StatusEndpoint[], following: Following) {
  const { everySeconds, now } = following
  const limit = pLimit(mostProofs)
  // Not all at once: each a little sooner or later than the others.
  const rest = restMs(following.forwards, everySeconds * 1000)
  const tracked = endpoints.map((endpoint, index): Tracked & { rest: number } => ({
    endpoint,
    proving: false,
    rest: rest * (0.75 + (0.5 * index) / endpoints.length),
  }))

  async function prove(one: Tracked, session: Session, told: GatewayFacts | undefined): Promise<void> {
    const { endpoint } = one
    const pid = told && sessionAt(endpoint, told)?.pid
    const report = await following.prove(endpoint, session, told && tunnelStands(endpoint, told))
    one.proving = false
    if (following.ended.aborted) return
    const at = now()
    // Nothing was found out: the next look tries again.
    if (!report.cut) one.last = { at, state: report.state, session: pid }
    const status = { ...report, ...(told && endpointStatus(endpoint, report, told, new Date(at))) }
    following.onForward(told ? withBegin(status, endpoint, told) : status, at)
  }

  return {
    look({ session, told }: GatewayAnswer): void {
      if (!session) return
      for (const one of tracked) {
        const at = told && sessionAt(one.endpoint, told)
        const shown = told && { session: at?.pid, silentFor: at?.silentFor }
        const silentSeconds = Math.max(25, one.endpoint.device.recoverWithin ?? 0)
        const rules = { everyMs: everySeconds * 1000, restMs: one.rest, silentSeconds }
        if (one.proving || !isDue(one.last, shown, now(), rules)) continue
        one.proving = true
        void limit(() => prove(one, session, told))
      }
    },
  }
}
