import { ConnectError, ProvisionError } from '../errors.ts'
import { type Device, type Gateway, type Inventory, nameOnGateways } from '../inventory/model.ts'
import { reach } from '../ssh/reach/reach.ts'
import { type FormerEndpoint, formerRoute } from '../ssh/reach/routes.ts'
import { type HeldForward, inspectHeldForwards, parseHeldForwards } from '../tunnel/held-doors.ts'
import { type Changing, lookAtHost } from './change.ts'
import type { Member } from './fleet.ts'
import { observeScript, parseObservations } from './plan/observation.ts'
import type { Run } from './run.ts'

/**
 * Devices that do not answer by any way of the inventory, for a port, a gateway or a listener was changed in it: those doors
 * are tried that a gateway still holds for them. Their pinned host key tells whether it is they.
 */
export async function connectByFormerForwards(inventory: Inventory, changing: Changing, run: Run): Promise<void> {
  if (run.only === 'forwards') return
  const lost = [...changing.fleet.members.values()].filter(isLost)
  if (lost.length === 0 || run.signal.aborted) return
  const held = new Map(
    await Promise.all(
      inventory.gateways.map(async (gateway) => [gateway.name, await heldBy(gateway, changing, run)] as const),
    ),
  )
  await Promise.all(
    lost.map(async (member) => {
      const device = member.host as Device
      const doors = formerForwardsOf(device, held)
      if (doors.length === 0) return
      const ways = new Map(doors.map((door) => [formerRoute(door), door]))
      run.context.formerDoors.set(device.name, ways)
      run.progress.note(
        `${device.name}: it does not answer as the inventory has it; trying ${[...ways.keys()].join(', ')}`,
      )
      const before = { failure: member.failure, end: member.end }
      delete member.failure
      delete member.end
      await lookAtHost(member, {
        ...changing,
        login: (one, how) => changing.login(one, { ...how, along: [...ways.keys()] }),
      })
      // What the inventory names is what has to be mended.
      if (member.failure !== undefined && before.end) Object.assign(member, before)
    }),
  )
}

/** No way led to it, or another machine answered; a login that was refused came from the device itself. */
function isLost({ host, failure }: Member): boolean {
  return host.role === 'device' && failure instanceof ConnectError && failure.kind !== 'login'
}

/** The doors of this device that are not among those of the inventory. `held`: gateway → what it holds. */
export function formerForwardsOf(device: Device, held: ReadonlyMap<string, readonly HeldForward[]>): FormerEndpoint[] {
  return [...held].flatMap(([gateway, doors]) =>
    doors.flatMap(({ device: holder, bindAddress, port }) => {
      const isNamed = device.forwards.some(
        (forward) => forward.gateway === gateway && forward.port === port && forward.bindAddress === bindAddress,
      )
      return holder === nameOnGateways(device) && !isNamed ? [{ gateway, bindAddress, port }] : []
    }),
  )
}

/** Everybody may read it. One that cannot be asked holds nothing for us. */
async function heldBy(gateway: Gateway, { fleet }: Changing, run: Run): Promise<HeldForward[]> {
  const member = fleet.members.get(gateway.name)
  const resource = { id: 'doors', inspect: inspectHeldForwards, diff: () => 'converged' as const }
  const mark = `doors-${run.runId}`
  try {
    if (member?.failure) return []
    const session = member?.session ?? (await reach(gateway, run.context, { signal: run.signal }))
    try {
      const { stdout } = await session.exec(observeScript([resource], mark), { timeoutMs: 30_000, privileged: false })
      return parseHeldForwards(parseObservations(stdout, [resource], mark).get(resource.id)?.text ?? '')
    } finally {
      if (session !== member?.session) session.close()
    }
  } catch (error) {
    if (error instanceof ProvisionError) return []
    throw error
  }
}
