import { account, authorizedKeys, formerKeys, type Inventory, on, playbook } from '../src/index.ts'
import { keysOf } from '../src/tunnel/key-lines.ts'
import { markFor } from '../src/tunnel/marks.ts'

/**
 * The accounts of the inventory, and the keys by which people log in to them; keys that it asked for before are
 * removed.
 */
export default playbook((inventory) => [
  on([...inventory.gateways, ...inventory.devices], ({ name: host, accounts }) => {
    const mark = markFor(inventory)
    return [
      ...accounts.flatMap((wanted) => [
        account(wanted.name, { mark }),
        authorizedKeys(wanted.name, { keys: keysOf(wanted), exclusive: wanted.exclusive, mark, host }),
      ]),
      formerKeys({ mark, named: accounts.map(({ name }) => name), host }),
    ]
  }),
])

/** A system account of the tunnel. */
export const systemAccount = (inventory: Pick<Inventory, 'id' | 'adopt'>, name: string, shell?: string) =>
  account(name, {
    system: true,
    mark: markFor(inventory),
    adopts: inventory.adopt?.includes(name) ?? false,
    ...(shell && { shell }),
  })
