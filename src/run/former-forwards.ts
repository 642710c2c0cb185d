import { ConnectError, ProvisionError } from '../errors.ts'
import { type Device, nameOnGateways } from '../inventory/model.ts'
import { type FormerEndpoint, formerRoute } from '../ssh/reach/routes.ts'
import { type HeldForward, inspectHeldForwards, parseHeldForwards } from '../tunnel/held-forwards.ts'
import { type Run, withGateway } from './context.ts'
import { forgetFailure, type Member } from './fleet.ts'
import { lookAtHost } from './look.ts'
import { observeScript, parseObservations } from './plan/observation.ts'

/**
 * Devices that do not answer by any route of the inventory, since a port, a gateway or a listener was changed in it:
 * those forwards are tried that a gateway still holds for them. Their pinned host key tells whether it is they.
 */
export async function connectByFormerForwards(run: Run): Promise<void> {
  const { inventory, fleet, only, signal } = run
  if (only === 'forwards') return
  const lost = [...fleet.members.values()].filter(isLost)
  if (lost.length === 0 || signal.aborted) return
  const held = new Map(
    await Promise.all(inventory.gateways.map(async ({ name }) => [name, await heldOn(name, run)] as const)),
  )
  await Promise.all(
    lost.map(async (member) => {
      const device = member.host as Device
      const routes = new Map(formerForwardsOf(device, held).map((former) => [formerRoute(former), former]))
      if (routes.size === 0) return
      const along = [...routes.keys()]
      run.context.formerForwards.set(device.name, routes)
      run.progress.note(`${device.name}: does not answer as written in the inventory; trying its ${along.join(', ')}`)
      const putBack = forgetFailure(member)
      await lookAtHost(member, { ...run, login: (one, how) => run.login(one, { ...how, along }) })
      // What the inventory names is what has to be mended.
      if (member.failure !== undefined) putBack()
    }),
  )
}

/** No route led to it, or another machine answered; a login that was refused came from the device itself. */
function isLost({ host, failure }: Member): boolean {
  return host.role === 'device' && failure instanceof ConnectError && failure.kind !== 'login'
}

/** The forwards that are held for this device and are not in the inventory. `held`: gateway → what it holds. */
export function formerForwardsOf(device: Device, held: ReadonlyMap<string, readonly HeldForward[]>): FormerEndpoint[] {
  return [...held].flatMap(([gateway, forwards]) =>
    forwards.flatMap(({ device: holder, bindAddress, port }) => {
      const isNamed = device.forwards.some(
        (forward) => forward.gateway === gateway && forward.port === port && forward.bindAddress === bindAddress,
      )
      return holder === nameOnGateways(device) && !isNamed ? [{ gateway, bindAddress, port }] : []
    }),
  )
}

/** Everybody may read it. One that cannot be asked holds nothing for us. */
async function heldOn(name: string, run: Run): Promise<HeldForward[]> {
  const resource = { id: 'held forwards', inspect: inspectHeldForwards, diff: () => 'converged' as const }
  const mark = `held-forwards-${run.runId}`
  if (run.fleet.members.get(name)?.failure) return []
  try {
    return await withGateway(name, run, async (session) => {
      const { stdout } = await session.exec(observeScript([resource], mark), { timeoutMs: 30_000, privileged: false })
      return parseHeldForwards(parseObservations(stdout, [resource], mark).get(resource.id)?.text ?? '')
    })
  } catch (error) {
    if (error instanceof ProvisionError) return []
    throw error
  }
}
