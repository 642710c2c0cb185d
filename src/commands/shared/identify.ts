import { randomInt } from 'node:crypto'
import { constants } from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../../files/atomic.ts'
import { newId, withId } from '../../inventory/edit/identity.ts'
import { rewriteInventory } from './rewrite-inventory.ts'

/** An inventory with an identity, and what there is to be said of it, once. */
export interface Identified {
  readonly id?: string
  readonly note?: string
}

export interface Identifying {
  /** Does the run make things, which carry the identity? Only then is it written into the file. */
  readonly applies: boolean
  /** One of several machines that work on the same inventory: each would write another identity. */
  readonly shared: boolean
  /** What a plan that is applied was made with. */
  readonly planned?: string | undefined
}

/**
 * The identity of an inventory that has none yet: written into its file by a run that makes things, and only thought of
 * by one that looks what that would change. Where it cannot be written there is none.
 */
export async function identify(file: string, wish: Identifying): Promise<Identified> {
  const { applies, shared, planned = newId(randomInt) } = wish
  if (shared)
    return applies ? { note: without(file, 'because each machine of a --shard would write a different one') } : {}
  if (!applies) return (await mayBeWritten(file)) ? { id: planned } : {}
  try {
    const { id } = await rewriteInventory(file, (before, read) => {
      const text = withId(before, planned)
      return { text, id: read(text).id ?? planned }
    })
    return {
      id,
      note: `${file}: "id": "${id}" was added, which marks what this inventory makes on its hosts: keep it, and commit the file`,
    }
  } catch (error) {
    const code = errorCode(error)
    if (code === undefined) throw error
    return { note: without(file, `because the file cannot be written (${code})`) }
  }
}

/** The text of a new inventory, with an identity of its own. */
export const identified = (text: string) => withId(text, newId(randomInt))

const without = (file: string, why: string) =>
  `${file}: has no "id", ${why}; what this run makes cannot be told apart from what other inventories make, so --prune ` +
  'will not be possible; add one to the file, such as "id": "k7w2m9qd", with letters and digits of your own'

async function mayBeWritten(file: string): Promise<boolean> {
  try {
    const target = await realpath(file)
    await access(target, constants.W_OK)
    await access(dirname(target), constants.W_OK)
    return true
  } catch {
    return false
  }
}
