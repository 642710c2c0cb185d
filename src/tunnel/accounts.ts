import { printListener, socketName } from '../inventory/forward.ts'
import type { Device, Forward, Gateway, Inventory } from '../inventory/model.ts'
import { known, type Late } from '../resources/resource.ts'
import { versionOf } from '../resources/versions.ts'
import { hasCredentials } from './device-units.ts'
import { accountOf, dialler, tunnelUnitName, unitPrefix } from './names.ts'
import type { Carrier } from './recovery.ts'

export const forwardsOn = (gateway: Gateway, device: Device): readonly Forward[] =>
  device.forwards.filter((forward) => forward.gateway === gateway.name)

export const dials = (device: Device, gateway: Gateway) => forwardsOn(gateway, device).length > 0

export const gatewaysOf = (device: Device, { gateways }: Pick<Inventory, 'gateways'>) =>
  gateways.filter((gateway) => dials(device, gateway))

/** All forwards of a device on one gateway have the same listener. */
export const listenerOf = (gateway: Gateway, device: Device) => forwardsOn(gateway, device)[0]?.listener ?? 'socket'

/** The devices whose ports systemd owns on this gateway: each has an account of its own there. */
export const jailed = (devices: readonly Device[], gateway: Gateway) =>
  devices.filter((device) => dials(device, gateway) && listenerOf(gateway, device) === 'socket')

/** The devices whose ports sshd owns on this gateway: they share an account. */
export const shared = (devices: readonly Device[], gateway: Gateway) =>
  devices.filter((device) => dials(device, gateway) && listenerOf(gateway, device) === 'sshd')

export const accountOn = (gateway: Gateway, device: Device) =>
  listenerOf(gateway, device) === 'sshd' ? gateway.tunnelAccount : accountOf(gateway, device)

export const mayListen = (gateway: Gateway, device: Device) =>
  forwardsOn(gateway, device).map((forward) => `permitlisten="${printListener(forward)}"`)

/** What holds a forward open: the device's unit, and where systemd owns the port, what is behind it. */
export const carriersOf =
  ({ gateways }: Inventory) =>
  (forward: Forward): Carrier[] => {
    const unit = `${unitPrefix}${socketName(forward)}`
    const units = gateways.filter(({ name }) => name === forward.gateway).map(tunnelUnitName)
    return [
      { host: forward.device, units },
      { host: forward.gateway, units: [`${unit}.socket`, `${unit}.service`] },
    ]
  }

/** Where systemd hands the key to the unit, nobody but root may read its file. */
export function keyOwner(device: Device): Late<string> {
  return (seen) => {
    const systemd = known(versionOf(device.name, 'systemd'), seen)
    return systemd && (hasCredentials(systemd) ? 'root' : dialler)
  }
}
