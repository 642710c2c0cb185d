import { InventoryError } from '../../errors.ts'
import { suggest } from '../messages.ts'
import type { Device, Inventory } from '../model.ts'
import { freePorts } from '../read/ports.ts'
import { type NewForward, withDevice, withMember } from './insert.ts'
import { find } from './text.ts'

/** What is asked for; everything else is chosen. */
export interface NewDevices {
  readonly names: readonly string[]
  /** The gateways to get a forward on; none named: those with `ports`. */
  readonly gateways: readonly string[]
  readonly group?: string | undefined
  readonly address?: string | undefined
  /** Where the forwards lead. */
  readonly to: { readonly host: string; readonly hostPort: number }
}

/** From the text of an inventory to what it says. @throws InventoryError */
export type Reader = (text: string) => Inventory

/**
 * The text with these devices in it, each with a free port on its gateways. Read anew after each one, so that what is
 * written is correct, and no port is given twice.
 * @throws InventoryError for what cannot be added; nothing is half done
 */
export function withDevices(
  text: string,
  wanted: NewDevices,
  read: Reader,
): { text: string; devices: readonly Device[] } {
  const after = wanted.names.reduce((before, name) => withNext(before, name, wanted, read), text)
  return { text: after, devices: read(after).devices.filter(({ name }) => wanted.names.includes(name)) }
}

function withNext(text: string, name: string, wanted: NewDevices, read: Reader): string {
  const { group, address } = wanted
  const inventory = read(text)
  if (inventory.devices.some((device) => device.name === name)) {
    throw new InventoryError(`${name} is already in the inventory`, 'change it there with your editor')
  }
  const known = inventory.groups.map((each) => each.name)
  if (group !== undefined && !known.includes(group)) {
    throw new InventoryError(
      `there is no group ${group}${suggest(group, known, `known are ${known.join(', ') || 'none'}`)}`,
    )
  }
  const given = group !== undefined && find(text, ['groups', group, 'settings', 'forwards']) !== undefined
  const grouped = group === undefined ? { text, made: false } : withMember(text, group, name)
  const forwards = given && wanted.gateways.length === 0 ? undefined : chosen(name, wanted, inventory)
  const silent = grouped.made && forwards === undefined && address === undefined
  const after = silent ? grouped.text : withDevice(grouped.text, name, { address, ...(forwards && { forwards }) })
  try {
    read(after)
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error
    const [problem] = error.problems
    throw new InventoryError(`${name} cannot be added: ${problem?.message ?? error.message}`, 'nothing was written')
  }
  return after
}

function chosen(name: string, { gateways, to }: NewDevices, inventory: Inventory): NewForward[] {
  const names = inventory.gateways.map((gateway) => gateway.name)
  for (const wanted of gateways) {
    if (!names.includes(wanted)) {
      throw new InventoryError(
        `there is no gateway ${wanted}${suggest(wanted, names, `known are ${names.join(', ')}`)}`,
      )
    }
  }
  if (names.length === 0)
    throw new InventoryError('there is no gateway to open a port on', 'write one under "gateways"')
  const asked = inventory.gateways.filter((each) => (gateways.length === 0 ? each.ports : gateways.includes(each.name)))
  const ranged = asked.flatMap(({ name, ports }) => (ports === undefined ? [] : [{ name, ports }]))
  if (ranged.length < Math.max(1, asked.length)) {
    const without = asked.find(({ ports }) => ports === undefined)?.name ?? names[0]
    const hint = `write which ports it may give to devices: "${without}": { "ports": "9000-9999" }`
    throw new InventoryError(`${without} has no "ports" to choose from`, hint)
  }
  const forwards = inventory.devices.flatMap((device) => device.forwards)
  return freePorts(ranged, forwards).map(({ gateway, port }) => {
    if (port !== undefined) return { gateway: names.length === 1 ? undefined : gateway, port, ...to }
    throw new InventoryError(`${gateway} has no port left for ${name}`, 'widen its "ports"')
  })
}
