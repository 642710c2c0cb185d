import { rewrite } from '../../files/atomic.ts'
import type { Inventory } from '../../inventory/model.ts'
import { parseInventory, readInventory, surroundingsOf } from '../../inventory/read/inventory.ts'

/**
 * Changes the text of an inventory while nobody else does; what follows from the text is right for what is written.
 * @throws InventoryError for one that is wrong before
 */
export async function rewriteInventory<T extends { readonly text: string }>(
  file: string,
  change: (text: string, read: (text: string) => Inventory) => T,
): Promise<T> {
  await readInventory(file)
  const around = surroundingsOf(file)
  const done: T[] = []
  await rewrite(file, (bytes) => {
    const whole = Buffer.from(bytes, 'latin1').toString('utf8')
    const mark = whole.startsWith('\ufeff') ? '\ufeff' : ''
    const result = change(whole.slice(mark.length), (text) => parseInventory(text, around))
    done.push(result)
    return Buffer.from(mark + result.text).toString('latin1')
  })
  const [result] = done
  if (result === undefined) throw new TypeError('rewritten without having been changed')
  return result
}
