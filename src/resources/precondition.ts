import { sh } from '../shell/sh.ts'
import type { Refused, Resource, Seen } from './resource.ts'

/**
 * What must hold before anything on this host is changed. It looks at nothing itself: `check` decides by what other
 * resources and other hosts have shown.
 */
export function precondition(id: string, check: (seen: Seen) => Refused | undefined): Resource {
  return { id, inspect: sh`:`, diff: (_, seen) => check(seen) ?? 'converged' }
}
