import { ConnectError } from '../errors.ts'
import type { Forward, Inventory } from '../inventory/model.ts'
import type { ForwardReport } from '../report/report.ts'
import type { ForwardStatus, GatewayStatus, StatusReport } from '../report/status/status.ts'
import { troubleOf } from '../report/trouble.ts'
import { versions } from '../resources/versions.ts'
import { quote } from '../shell/sh.ts'
import type { ReachContext } from '../ssh/reach/reach.ts'
import { recoveryOf } from '../tunnel/timing.ts'
import type { LastProofs } from '../verify/last-proofs.ts'
import { proveForwards } from '../verify/prove-forwards.ts'
import { endpointOf, endpointStatus, roundTripAt, type StatusEndpoint, tunnelStands } from './endpoint.ts'
import type { GatewayAnswer, Gateways } from './gateway-sessions.ts'

export interface Looking {
  readonly context: ReachContext
  readonly gateways: Gateways
  readonly lastProofs: LastProofs
  /** Of a device or a gateway. */
  readonly limit: (name: string) => boolean
  readonly now: () => number
  readonly clock: () => Date
}

/**
 * How every forward is, from its gateway alone: one exec there, and one proof through the forward. No device is logged
 * in to in any other way, and nothing is changed.
 */
export async function lookAtGateways(inventory: Inventory, looking: Looking): Promise<StatusReport> {
  const { context, limit } = looking
  const began = looking.now()
  const at = looking.clock()
  const before = { ...context.wire.counts }
  const endpoints = endpointsOf(inventory, limit)
  const shown = inventory.gateways.filter(({ name }) => endpoints.some(({ gateway }) => gateway.name === name))
  const answers = new Map(
    shown.map((gateway) => {
      const own = endpoints.filter((one) => one.gateway.name === gateway.name)
      return [gateway.name, looking.gateways.ask(gateway, own)] as const
    }),
  )
  const reports = await proofs(inventory, endpoints, answers, looking)
  const answered = new Map(await Promise.all([...answers].map(async ([name, answer]) => [name, await answer] as const)))
  const forwards = endpoints.flatMap((one, index) => {
    const report = reports[index]
    const answer = answered.get(one.gateway.name)
    return report && answer ? [status(one, report, answer, inventory, at)] : []
  })
  const gateways = [...answered].map(([name, answer]) => gatewayStatus(name, answer, at))
  const { connections, execs } = context.wire.counts
  return {
    version: 1,
    command: 'status',
    inventory: inventory.file,
    at: at.toISOString(),
    seconds: Math.round(looking.now() - began) / 1000,
    exitCode: exitCode(gateways, forwards),
    gateways,
    forwards,
    without: inventory.devices.filter((one) => limit(one.name) && one.forwards.length === 0).map(({ name }) => name),
    wire: { connections: connections - before.connections, execs: execs - before.execs },
  }
}

function endpointsOf({ devices, gateways }: Inventory, limit: Looking['limit']): StatusEndpoint[] {
  return devices.flatMap((device) =>
    device.forwards.flatMap((forward) => {
      const gateway = gateways.find(({ name }) => name === forward.gateway)
      return gateway && (limit(device.name) || limit(gateway.name)) ? [endpointOf(device, gateway, forward)] : []
    }),
  )
}

/** In the order of the endpoints. */
async function proofs(
  { devices }: Inventory,
  endpoints: readonly StatusEndpoint[],
  answers: ReadonlyMap<string, Promise<GatewayAnswer>>,
  { context, lastProofs, now }: Looking,
): Promise<ForwardReport[]> {
  const told = new Map<string, GatewayAnswer>()
  const asked = (forward: Forward) => endpoints.find((one) => one.forward === forward)
  const reports = await proveForwards(
    endpoints.map(({ forward }) => forward),
    {
      devices,
      async gateway(name) {
        const answer = (await answers.get(name)) ?? {}
        told.set(name, answer)
        if (answer.session) return answer.session
        throw answer.error ?? new ConnectError('unreachable', 'the gateway was not asked')
      },
      wire: context.wire,
      now,
      // Who asks for the state may have no login on the devices.
      hostKeyEnough: true,
      pace: (_, work) => context.forks(work),
      tunnelStands(forward) {
        const one = asked(forward)
        const known = told.get(forward.gateway)?.told
        return one && known && tunnelStands(one, known)
      },
    },
  )
  return lastProofs.stamp(reports, devices)
}

function status(
  one: StatusEndpoint,
  report: ForwardReport,
  { told, versions: shown }: GatewayAnswer,
  inventory: Inventory,
  at: Date,
): ForwardStatus {
  const seen = {
    of: (host: string, id: string) => (host === one.gateway.name && id === versions.id ? shown : undefined),
    gone: () => false,
    failed: () => false,
  }
  const recovery = recoveryOf(inventory)(one.forward, seen, told && roundTripAt(one, told))
  const next = nextStep(report, inventory.file)
  return {
    ...report,
    ...(told && endpointStatus(one, report, told, at)),
    ...(recovery && { recovery }),
    ...(next && { next }),
  }
}

/** A forward that could not be checked has its own hint; for the others `doctor` finds the cause. */
function nextStep({ state, device, error }: ForwardReport, inventory: string): string | undefined {
  if (state === 'ok') return undefined
  return (state === 'unverified' && error?.hint) || `provision doctor ${quote(inventory)} --device ${device}`
}

function gatewayStatus(name: string, { session, told, runsOn, error }: GatewayAnswer, at: Date): GatewayStatus {
  const boot = told?.bootAge
  return {
    name,
    state: told ? 'ok' : session ? 'unread' : 'unreachable',
    ...(boot !== undefined && { since: new Date(at.getTime() - boot * 1000).toISOString() }),
    ...(runsOn && { runsOn }),
    ...(error && { error: troubleOf(error) }),
  }
}

/** As of every report: 3 wins over 1. */
function exitCode(gateways: readonly GatewayStatus[], forwards: readonly ForwardStatus[]): number {
  if (gateways.some(({ state }) => state === 'unreachable')) return 3
  return forwards.every(({ state }) => state === 'ok') ? 0 : 1
}
