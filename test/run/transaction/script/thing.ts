import type { Resource } from '../../../../src/resources/resource.ts'
import type { PlannedChange } from '../../../../src/run/plan/plan.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { here } from '../../../resources/sshd.ts'

/** A resource that is always as wanted, and shows its own name. */
export const thing = (id: string): Resource => ({ id, inspect: sh`echo ${id}`, diff: () => 'converged' })

const nothingElse = { of: () => undefined, here, gone: () => false, failed: () => false }

/** The change that a resource wants where its host shows this. */
export function planned(resource: Resource, now: string): PlannedChange {
  const change = resource.diff(now, nothingElse)
  if (typeof change === 'string' || 'refused' in change) throw new Error(`no change: ${JSON.stringify(change)}`)
  return { resource, change, digest: 'd'.repeat(64) }
}
