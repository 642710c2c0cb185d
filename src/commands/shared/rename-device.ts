import { InventoryError } from '../../errors.ts'
import { readIfThere, rewrite } from '../../files/atomic.ts'
import { type Renamed, withNewName } from '../../inventory/edit/rename.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { hostKeyText } from '../../ssh/host-keys/known-hosts.ts'
import { renamedPins } from '../../ssh/host-keys/renamed.ts'
import { pinsOf } from './pins-of.ts'
import { rewriteInventory } from './rewrite-inventory.ts'

/**
 * Inventory and pins with the new name, each in one rename. Whichever of the two is done when it dies, the same command
 * does the rest: a name that comes back is pinned first, since the inventory then has nothing that tells of the other
 * one.
 * @returns what was done, a line for people each
 * @throws InventoryError for what cannot be renamed; nothing was written
 */
export async function renameDevice(
  inventory: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<string[]> {
  const { devices, directory } = await readInventory(inventory)
  const pins = pinsOf({ directory })
  const keysOf = async (name: string) => {
    const port = devices.find((device) => device.name === name)?.port
    return (await pins.for({ name, hostKeys: [], ...(port !== undefined && { port }) })).keys
  }
  const [pinned, others] = [await keysOf(from), (await keysOf(to)).map(hostKeyText)]
  if (pinned.length > 0 && others.length > 0 && !pinned.some((key) => others.includes(hostKeyText(key)))) {
    const hint = `find out which of the two keys in ${pins.file} is right, and delete the lines of the other`
    throw new InventoryError(`${from} and ${to} are pinned with different host keys: they are two machines`, hint)
  }
  const movePins = async () => {
    const before = await readIfThere(pins.file)
    await rewrite(pins.file, (text) => renamedPins(text, from, to))
    return before === renamedPins(before, from, to)
      ? []
      : [`${pins.file}: the pinned host keys of ${from} are now those of ${to}`]
  }
  const write = () =>
    rewriteInventory(inventory, (text, read) => withNewName(text, { from, to, pinned: pinned.length > 0 }, read))
  const isBack = devices.some(({ name, knownAs }) => name === from && knownAs === to)
  const moved = isBack ? await movePins() : []
  const renamed = await write()
  return [...told(renamed, { inventory, from, to }), ...moved, ...(isBack ? [] : await movePins())]
}

function told(
  { knownAs, groups }: Renamed,
  { inventory, from, to }: { readonly inventory: string; readonly from: string; readonly to: string },
): string[] {
  const known =
    knownAs === undefined ? ', the name by which its gateways know it' : `; its gateways still know it as ${knownAs}`
  return [
    `${inventory}: ${from} is now called ${to}${known}`,
    ...groups.map(
      (name) =>
        `${inventory}: ${to} is no longer in the group ${name}; the settings from that group were copied to "devices"`,
    ),
  ]
}
