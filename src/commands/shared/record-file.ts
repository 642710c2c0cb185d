import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Inventory } from '../../inventory/model.ts'
import { nameInState, stateFolder } from '../../verify/last-proofs.ts'

/** Where a watcher keeps the record of an inventory, and `history` finds it. `state`: the folder that was named. */
export function recordFile({ id, file }: Pick<Inventory, 'id' | 'file'>, state: string | undefined): string {
  // Without an identity no run has been made from it yet.
  const name = id ?? nameInState(file)
  return join(resolve(state ?? join(stateFolder(process.env, homedir()), 'watch', name)), 'record.jsonl')
}
