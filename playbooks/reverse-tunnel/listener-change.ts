import type { Gateway, Inventory, Resource } from '../../src/index.ts'
import { forwardsOn, jailed } from '../../src/tunnel/accounts.ts'
import { nameOnGateways } from '../../src/tunnel/names.ts'
import { doorsOn, isReachedBeside } from './doors.ts'
import { noSessionOn } from './sessions.ts'

/**
 * Of ports that are to be systemd's, none is still held by a session of sshd of the device itself: it is ended where the
 * device is reached beside its forwards.
 */
export function freedPorts(gateway: Gateway, inventory: Inventory): Resource[] {
  const devices = jailed(inventory.devices, gateway)
  const places = devices.flatMap((device) => forwardsOn(gateway, device))
  if (places.length === 0) return []
  return [
    noSessionOn({
      id: 'ports that sshd holds',
      places,
      account: gateway.tunnelAccount,
      when: (seen) =>
        devices
          .filter((device) => isReachedBeside(device, seen))
          .flatMap((device) => {
            const held = doorsOn(gateway, seen).filter((door) => door.listener === 'sshd')
            const isOwn = (port: number) =>
              held.some((door) => door.port === port && door.device === nameOnGateways(device))
            return forwardsOn(gateway, device).filter(({ port }) => isOwn(port))
          }),
    }),
  ]
}
