import type { Gateway, Inventory, Resource } from '../../src/index.ts'
import { forwardsOn, jailed } from '../../src/tunnel/accounts.ts'
import { nameOnGateways } from '../../src/tunnel/names.ts'
import { heldForwardsOn, isReachedBeside } from './held-forwards.ts'
import { noSessionOn } from './sessions.ts'

/**
 * Of ports that are to be systemd's, none is still held by a session of sshd of the device itself: it is ended where
 * the device is reached beside its forwards.
 */
export function freedPorts(gateway: Gateway, inventory: Inventory): Resource[] {
  const devices = jailed(inventory.devices, gateway)
  const places = devices.flatMap((device) => forwardsOn(gateway, device))
  if (places.length === 0) return []
  return [
    noSessionOn({
      id: 'ports held by sshd',
      places,
      account: gateway.tunnelAccount,
      when: (seen) =>
        devices
          .filter((device) => isReachedBeside(device, seen))
          .flatMap((device) => {
            const held = heldForwardsOn(gateway, seen).filter((forward) => forward.listener === 'sshd')
            const isOwn = (port: number) =>
              held.some((forward) => forward.port === port && forward.device === nameOnGateways(device))
            return forwardsOn(gateway, device).filter(({ port }) => isOwn(port))
          }),
    }),
  ]
}
