import type { Gateway, Inventory } from '../inventory/model.ts'
import type { Trouble } from '../report/report.ts'
import { type Fleet, hasFailed, type Member } from '../run/fleet.ts'
import { movedHint } from '../run/transaction/outcome.ts'
import type { PastRun } from './script.ts'

/** Which run is undone, and on which hosts it must not be. Pure. */

export interface Taken {
  readonly run?: string
  /** Why there is none. */
  readonly none?: Trouble
}

/**
 * One run for all hosts: the newest, as its id begins with the time. A host that did not answer may hold a newer one.
 */
export function choose(
  members: readonly Member[],
  pasts: ReadonlyMap<Member, PastRun>,
  named: string | undefined,
): Taken {
  const runs = [...new Set([...pasts.values()].map(({ run }) => run))].sort()
  const newest = runs.at(-1)
  if (named !== undefined) {
    if (runs.includes(named)) return { run: named }
    const hint = newest ? `the last one is ${newest}: undo goes back one run at a time` : 'see --check'
    return { none: { message: `${named} is not the last run here`, hint } }
  }
  if (!newest) return { none: { message: 'there is nothing to undo: no confirmed run is kept here', hint: kept } }
  const silent = members.filter(hasFailed).map(({ host }) => host.name)
  if (silent.length === 0) return { run: newest }
  return {
    none: {
      message: `${silent.join(', ')} did not answer, and may hold a newer run than ${newest}`,
      hint: `to undo ${newest} all the same: --run ${newest}`,
    },
  }
}

const kept = 'a host keeps its last three runs in /var/lib/provision/history, and each undo removes one of them'

/** A device that should have gone back and has not may be reached through this gateway alone. */
export function failedRouteTo(gateway: Gateway, { devices }: Inventory, { members }: Fleet): Trouble | undefined {
  const left = devices.filter(
    ({ name, forwards }) =>
      hasFailed(members.get(name)) && forwards.some((forward) => forward.gateway === gateway.name),
  )
  if (left.length === 0) return undefined
  const names = left.map(({ name }) => name).join(', ')
  return {
    message: `not undone, as this gateway may be the only route to ${names}`,
    hint: `repair ${names} first, or undo the run on this gateway alone with --limit ${gateway.name}`,
  }
}

/** Why this must not be undone. */
export function objection({ moved, gone }: PastRun): Trouble | undefined {
  if (gone) return { message: gone, hint: 'restore the files by hand: no copy of them is left' }
  if (moved.length === 0) return undefined
  return { message: `changed since that run: ${moved.join(', ')}`, hint: movedHint }
}
