import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Inventory } from '../../inventory/model.ts'
import { stateFolder } from '../../verify/last-proofs.ts'

/** Where a watcher keeps the record of an inventory, and `history` finds it. `state`: the folder that was named. */
export function recordFile({ id, file }: Pick<Inventory, 'id' | 'file'>, state: string | undefined): string {
  // Without an identity no run has been made from it yet.
  const name = id ?? createHash('sha256').update(resolve(file)).digest('hex').slice(0, 12)
  return join(resolve(state ?? join(stateFolder(process.env, homedir()), 'watch', name)), 'record.jsonl')
}
