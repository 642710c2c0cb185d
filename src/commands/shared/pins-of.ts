import { join } from 'node:path'
import type { Inventory } from '../../inventory/model.ts'
import { openPins, type Pins, type PinsOptions } from '../../ssh/host-keys/pins.ts'

/** The pins beside the inventory, or those of PROVISION_KNOWN_HOSTS. */
export function pinsOf(
  { directory }: Pick<Inventory, 'directory'>,
  pins: Omit<PinsOptions, 'file' | 'knownHosts'> = {},
): Pins {
  return openPins({ file: join(directory, 'known_hosts'), knownHosts: process.env.PROVISION_KNOWN_HOSTS, ...pins })
}
