import type { Account } from '../inventory/model.ts'
import { parseKeyLine } from '../resources/authorized-keys.ts'
import { type Mark, printMark, withoutMark } from '../resources/mark.ts'

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

/** As a run writes it, which then finds it as its own. */
export const keyLine = ({ key, options, comment }: ReturnType<typeof keysOf>[number], mark?: Mark) =>
  [options, key, comment, mark && printMark(mark)].filter(Boolean).join(' ')
