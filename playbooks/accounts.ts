import {
  type Account,
  account,
  authorizedKeys,
  formerKeys,
  type Inventory,
  type Mark,
  on,
  parseKeyLine,
  playbook,
  printMark,
  withoutMark,
} from '../src/index.ts'

/** The accounts that the inventory asks for, and the keys that let people into them; keys that it asked for before go. */
export default playbook((inventory) => [
  on([...inventory.gateways, ...inventory.devices], ({ name: host, accounts }) => {
    const mark = markOf(inventory)
    return [
      ...accounts.flatMap((wanted) => [
        account(wanted.name, { mark }),
        authorizedKeys(wanted.name, { keys: keysOf(wanted), exclusive: wanted.exclusive, mark, host }),
      ]),
      formerKeys({ mark, named: accounts.map(({ name }) => name), host }),
    ]
  }),
])

/** What says that this inventory made a thing which belongs to no single device. */
export const markOf = ({ id = '-' }: Pick<Inventory, 'id'>): Mark => ({ inventory: id })

/** As a run writes it, which then finds it as its own. */
export const keyLine = ({ key, options, comment }: ReturnType<typeof keysOf>[number], mark?: Mark) =>
  [options, key, comment, mark && printMark(mark)].filter(Boolean).join(' ')

/** A system account of the tunnel. */
export const systemAccount = (inventory: Pick<Inventory, 'id' | 'adopt'>, name: string, shell?: string) =>
  account(name, {
    system: true,
    mark: markOf(inventory),
    adopts: inventory.adopt?.includes(name) ?? false,
    ...(shell && { shell }),
  })

/** A key with the options that stand before it; a `from=` of its own goes before the account's. */
export function keysOf({ authorizedKeys: lines, from }: Account) {
  return lines.flatMap((line) => {
    const key = parseKeyLine(line)
    if (key === undefined) return []
    const own = /(^|,)from=/i.test(key.options)
    const options = [...(from && !own ? [`from="${from.join(',')}"`] : []), ...(key.options ? [key.options] : [])]
    return [
      {
        key: `${key.type} ${key.blob}`,
        comment: withoutMark(key.comment),
        ...(options.length > 0 && { options: options.join(',') }),
      },
    ]
  })
}
