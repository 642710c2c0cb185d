import type { Inventory } from '../inventory/model.ts'
import { place } from '../report/status/words.ts'
import type { ReachContext } from '../ssh/reach/reach.ts'
import { endpointsOn } from '../status/endpoint.ts'
import { type AskGateway, openGateways } from '../status/gateway-sessions.ts'
import { proveForward } from '../verify/forward.ts'
import { forwardKey, type WatchBoard } from './board.ts'
import { type Following, follow } from './follow.ts'

export interface Looks extends Pick<Following, 'everySeconds' | 'now' | 'sleep' | 'ended'> {
  readonly context: ReachContext
  readonly board: WatchBoard
  /** Absent: as root. */
  readonly ask?: AskGateway | undefined
  /** Called when a forward or a gateway is seen otherwise than before, long before that counts. */
  readonly onSeen: (what: string) => void
}

/** Looks at every gateway that a forward ends at, until all is to end. */
export async function watchGateways(
  inventory: Inventory,
  { context, board, ask, onSeen, ...looks }: Looks,
): Promise<void> {
  const gateways = openGateways(context, ask)
  const following: Following = {
    ...looks,
    gateways,
    board,
    forwards: inventory.devices.reduce((count, { forwards }) => count + forwards.length, 0),
    prove: ({ device, forward }, session, tunnelStands) =>
      proveForward({
        ...{ device, forward, gateway: session, wire: context.wire, tunnelStands },
        now: () => performance.now(),
        // Who watches may have no login on the devices.
        hostKeyEnough: true,
        tunnelLives: device.forwards.some(
          (other) => other.gateway === forward.gateway && board.forwards.get(forwardKey(other))?.status.state === 'ok',
        ),
      }),
    onGateway(sight) {
      const before = board.gateways.get(sight.name)
      board.gateway(sight)
      if (!before || !before.error !== !sight.error)
        onSeen(`${sight.name}: ${sight.error ? `unreachable, ${sight.error.message}` : 'reached'}`)
    },
    onForward(status, at, begin) {
      const before = board.forwards.get(forwardKey(status))?.status.state
      board.forward(status, at, begin)
      if (before !== status.state) onSeen(`${status.device}, ${place(status)}: ${status.state}`)
    },
  }
  const over = new Promise<void>((resolve) => looks.ended.addEventListener('abort', () => resolve(), { once: true }))
  const all = inventory.gateways.map((gateway) => {
    const endpoints = endpointsOn(gateway, inventory.devices)
    return endpoints.length > 0 ? follow(gateway, endpoints, following) : undefined
  })
  // What is under way then ends with its connection.
  await Promise.race([Promise.all(all), over])
}
