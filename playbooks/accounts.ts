import {
  account,
  authorizedKeys,
  type Device,
  formerKeys,
  type Gateway,
  type Inventory,
  on,
  playbook,
  type Resource,
} from '../src/index.ts'
import { keysOf } from '../src/tunnel/key-lines.ts'
import { markFor } from '../src/tunnel/marks.ts'

/** The accounts of the inventory, and the keys by which people log in to them. */
export default playbook((inventory) => [
  on([...inventory.gateways, ...inventory.devices], (host) => accountsOf(host, inventory)),
])

/** Of one host; keys that the inventory asked for before are removed. */
export function accountsOf({ name: host, accounts }: Gateway | Device, inventory: Inventory): Resource[] {
  const mark = markFor(inventory)
  return [
    ...accounts.flatMap((wanted) => [
      account(wanted.name, { mark }),
      authorizedKeys(wanted.name, { keys: keysOf(wanted), exclusive: wanted.exclusive, mark, host }),
    ]),
    formerKeys({ mark, named: accounts.map(({ name }) => name), host }),
  ]
}

/** A system account of the tunnel. */
export const systemAccount = (inventory: Pick<Inventory, 'id' | 'adopt'>, name: string, shell?: string) =>
  account(name, {
    system: true,
    mark: markFor(inventory),
    adopts: inventory.adopt?.includes(name) ?? false,
    ...(shell && { shell }),
  })
