import { type Device, type Gateway, type Resource, type Seen, sh } from '../../src/index.ts'
import { accountOf, accountPrefix, nameOnGateways } from './names.ts'
import { noSessionOn } from './sessions.ts'
import { forwardsOn, jailed, listenerOf } from './tunnels.ts'

/**
 * A device that gets another listener on a gateway, or another port, loses the door that it has there. That may not happen
 * to one that could not be reached, or only through that door: it would stay outside for good.
 */

/** On the gateway: refuses while a device whose listener changes cannot be told so by another way. */
export function mayChangeListener(gateway: Gateway, devices: readonly Device[]): Resource {
  return {
    id: 'listeners',
    inspect: sh`:`,
    diff(_, seen) {
      const lost = devices.filter((device) => changes(gateway, device, seen) && seen.via?.(device.name) !== 'direct')
      if (lost.length === 0) return 'converged'
      return {
        refused: `${lost.map(({ name }) => name).join(', ')} would get another "listener" and lose the way in by its forward, and was not reached directly`,
        hint: 'run from where it can be reached directly, or leave its listener as it is',
      }
    },
  }
}

/** By what the gateway shows: its own account is there, or its line in the shared account's file. */
function changes(gateway: Gateway, device: Device, seen: Seen): boolean {
  const accounts = seen.of(gateway.name, `accounts ${accountPrefix(gateway)}*`) ?? ''
  const lines = seen.of(gateway.name, `authorized-keys ${gateway.tunnelAccount}`) ?? ''
  return listenerOf(gateway, device) === 'sshd'
    ? accounts.includes(`@account ${accountOf(gateway, device)} `)
    : new RegExp(`^restrict,.* ${nameOnGateways(device).replaceAll('.', '[.]')}$`, 'm').test(lines)
}

/** Of ports that are to be systemd's, none is still held by a session of sshd. */
export function freedPorts(gateway: Gateway, devices: readonly Device[]): Resource[] {
  const ports = jailed(devices, gateway).flatMap((device) => forwardsOn(gateway, device).map(({ port }) => port))
  return ports.length > 0 ? [noSessionOn(ports, 'ports that sshd holds')] : []
}

/** A socket unit of a device that was not reached stays, whatever the inventory says of its port by now. */
export const sparesUnreached =
  (devices: readonly Device[]) =>
  (content: string, seen: Seen): boolean =>
    devices.some(
      (device) =>
        seen.gone(device.name) &&
        new RegExp(`^Description=\\S+ of ${nameOnGateways(device).replaceAll('.', '[.]')}(,|$)`, 'm').test(content),
    )
