import pLimit from 'p-limit'
import { ConnectError, type ProvisionError } from '../errors.ts'
import type { Gateway } from '../inventory/model.ts'
import type { ForwardReport } from '../report/report.ts'
import type { ForwardStatus } from '../report/status/status.ts'
import type { Session } from '../ssh/session/session.ts'
import { endpointStatus, type StatusEndpoint, sessionAt, tunnelStands } from '../status/endpoint.ts'
import type { GatewayFacts } from '../status/gateway-facts.ts'
import type { GatewayAnswer, Gateways } from '../status/gateway-sessions.ts'
import { beginOf, silentSeconds } from './begin.ts'
import { forwardKey, type WatchBoard } from './board.ts'
import { type GatewaySight, goneSince, reachedSince } from './gateway-sight.ts'
import { type Moment, middle } from './moment.ts'
import { isDue, type LastProof, restMs } from './proof-time.ts'

/** What a gateway is asked with, and who is told. */
export interface Following {
  readonly gateways: Gateways
  /** What was seen before: an edit of the inventory begins anew, and forgets nothing. */
  readonly board: Pick<WatchBoard, 'gateways' | 'forwards'>
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
  /** `begin`: since when it is so, where that is known. */
  readonly onForward: (sight: ForwardStatus, at: number, begin: Moment | undefined) => void
}

interface Tracked {
  readonly endpoint: StatusEndpoint
  readonly rest: number
  readonly silentSeconds: number
  last?: LastProof
  proving: boolean
  /** When it was last known to be well, and not to be. Milliseconds since 1970. */
  well?: number
  ill?: number
}

/** So many proofs at once through one gateway. */
const mostProofs = 8
/** The first wait after a gateway that did not answer, the longest, and that after a login that was refused. */
const [firstWaitMs, longestWaitMs, refusedWaitMs] = [2_000, 5_000, 300_000]

/**
 * Watches one gateway until all is to end: one exec after the other, each of which waits for news on the gateway and
 * then tells what stands there. A gateway that does not answer is tried for ever.
 */
export async function follow(
  gateway: Gateway,
  endpoints: readonly StatusEndpoint[],
  following: Following,
): Promise<void> {
  const { gateways, board, everySeconds, ended, now, sleep, onGateway } = following
  const proofs = proofsOf(endpoints, following)
  const { name } = gateway
  const before = board.gateways.get(name)
  let since: string | undefined
  // When it heard the last question that it answered.
  let answered = before?.error ? undefined : before?.at
  let failed = before?.error && before.at
  // News bring a look forward, and put off none.
  let next = 0
  for (let failures = 0; !ended.aborted; ) {
    const asked = now()
    const seconds = next > asked ? Math.ceil((next - asked) / 1000) : everySeconds
    const answer = await gateways.ask(gateway, endpoints, { since, seconds })
    if (ended.aborted) return
    const at = now()
    const { session, told, error, lost } = answer
    if (!session) {
      onGateway({ name, at, ...(error && { error }), begin: goneSince({ asked, answered, lost }) })
      failed = asked
      since = undefined
      await sleep(pause(error, failures++))
      continue
    }
    failures = 0
    answered = asked
    if (at >= next) next = at + everySeconds * 1000
    onGateway({ name, at, ...reachedSince({ failed, at, bootAge: told?.bootAge }) })
    failed = undefined
    proofs.look(answer, at)
    const waited = since !== undefined
    since = told?.place
    if (since === undefined || (waited && !told)) await sleep(everySeconds * 1000)
  }
}

const isIll = ({ state }: Pick<ForwardReport, 'state'>) => state !== 'ok' && state !== 'unverified'

const isoOf = (time: number) => new Date(time).toISOString()

function pause(error: ProvisionError | undefined, failures: number): number {
  if (error instanceof ConnectError && error.kind !== 'unreachable') return refusedWaitMs
  return Math.min(longestWaitMs, firstWaitMs * 2 ** failures)
}

/** Proves what is due after each look, beside the next one. */
function proofsOf(endpoints: readonly StatusEndpoint[], following: Following) {
  const { board, everySeconds, forwards, now } = following
  const limit = pLimit(mostProofs)
  const everyMs = everySeconds * 1000
  const tracked = endpoints.map((endpoint, index): Tracked => {
    const before = board.forwards.get(forwardKey(endpoint.forward))
    return {
      ...{ endpoint, proving: false, silentSeconds: silentSeconds(endpoint) },
      rest: restMs(forwards, everyMs, index / endpoints.length),
      ...(before?.status.state === 'ok' && { well: before.at }),
      ...(before && isIll(before.status) && { ill: before.at }),
    }
  })

  async function prove(one: Tracked, session: Session, told: GatewayFacts | undefined, looked: number): Promise<void> {
    const { endpoint } = one
    const pid = told && sessionAt(endpoint, told)?.pid
    const began = now()
    const report = await following.prove(endpoint, session, told && tunnelStands(endpoint, told))
    one.proving = false
    if (following.ended.aborted) return
    const found = { ...report, ...(told && endpointStatus(endpoint, report, told, new Date(looked))) }
    const isWell = report.state === 'ok'
    // A proof that fails was in vain from its beginning, and one that waited for an answer until its end.
    const ended = now()
    const seen = isWell ? { proved: ended, before: one.ill } : { proved: began, before: one.well }
    const begin = beginOf(found, endpoint, told, { looked, ...seen })
    // Nothing was found out: the next look tries again.
    if (!report.cut) one.last = { at: began, state: report.state, session: pid }
    if (isWell) one.well = began
    else if (isIll(report)) one.ill = ended
    const { since: _, ...status } = found
    following.onForward({ ...status, ...(begin && { since: isoOf(middle(begin)) }) }, ended, begin)
  }

  return {
    look({ session, told }: GatewayAnswer, looked: number): void {
      if (!session) return
      for (const one of tracked) {
        const at = told && sessionAt(one.endpoint, told)
        const shown = told && { session: at?.pid, silentFor: at?.silentFor }
        const rules = { everyMs, restMs: one.rest, silentSeconds: one.silentSeconds }
        // It is as it was, and needs no proof for that.
        if (one.last?.state === 'stale' && (at?.silentFor ?? 0) >= one.silentSeconds) one.ill = looked
        if (one.proving || !isDue(one.last, shown, looked, rules)) continue
        one.proving = true
        void limit(() => prove(one, session, told, looked))
      }
    },
  }
}
