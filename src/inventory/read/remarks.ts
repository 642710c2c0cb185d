import { show } from '../messages.ts'
import { hosts, type Inventory } from '../model.ts'

/** What is correct and may all the same be a mistake, a sentence each. `isThere`: is there a file of this path. */
export function remarksOn(inventory: Inventory, isThere: (path: string) => boolean): string[] {
  const bare = inventory.devices.filter(({ forwards }) => forwards.length === 0)
  const files = new Set(hosts(inventory).flatMap(({ login }) => login.identityFile ?? []))
  return [
    ...bare.map(({ name }) => `devices.${name}: has no forward, so there is no tunnel to it: add one under "forwards"`),
    ...[...files].filter((path) => !isThere(path)).map((path) => `identityFile: there is no file ${show(path)}`),
  ]
}
