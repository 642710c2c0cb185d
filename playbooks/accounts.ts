import { type Account, account, authorizedKeys, on, parseKeyLine, playbook } from '../src/index.ts'

/** The accounts that the inventory asks for, and the keys that let people into them. */
export default playbook(({ gateways, devices }) => [
  on([...gateways, ...devices], (host) =>
    host.accounts.flatMap((wanted) => [
      account(wanted.name),
      authorizedKeys(wanted.name, { keys: keysOf(wanted), exclusive: wanted.exclusive }),
    ]),
  ),
])

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
        comment: key.comment,
        ...(options.length > 0 && { options: options.join(',') }),
      },
    ]
  })
}
