import type { Device, Forward, Inventory } from '../inventory/model.ts'

/** Ports that nobody is likely to have chosen: above those that kernels give out (32768 to 60999, ip(7)). */
const first = 61_000
const last = 64_999

/**
 * The inventory for the first of two moves: these devices open their forwards at other ports, with all else as it is
 * wanted. Their former forwards are closed when they answer there; then what could not be opened beside those can be.
 */
export function steppingAside(inventory: Inventory, names: readonly string[]): Inventory {
  const taken = new Set(inventory.devices.flatMap(({ forwards }) => forwards.map(placeOf)))
  const free = (forward: Forward): Forward => {
    for (let port = first; port <= last; port++) {
      const moved = { ...forward, port }
      if (taken.has(placeOf(moved))) continue
      taken.add(placeOf(moved))
      return moved
    }
    throw new RangeError(`no port is left on ${forward.gateway}`)
  }
  const aside = (device: Device): Device => ({ ...device, forwards: device.forwards.map(free) })
  return {
    ...inventory,
    devices: inventory.devices.map((device) => (names.includes(device.name) ? aside(device) : device)),
  }
}

const placeOf = ({ gateway, port }: Forward) => `${gateway} ${port}`
