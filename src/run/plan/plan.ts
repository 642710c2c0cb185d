import type { Change, Refused, Resource, Seen } from '../../resources/resource.ts'
import type { Observation } from './observation.ts'

export interface PlannedChange {
  readonly resource: Resource
  readonly change: Change
  /** Of the inspect that the change was made from. */
  readonly digest: string
}

/** What a host lacks. Pure. */
export interface HostPlan {
  readonly changes: readonly PlannedChange[]
  /** Cannot be told yet: they need something that an earlier step makes, or a host that is gone. */
  readonly later: readonly Resource[]
  readonly refused: readonly { readonly resource: Resource; readonly refused: Refused }[]
}

/** From what a host showed to what has to change. A resource that showed nothing is refused, never guessed at. */
export function plan(resources: readonly Resource[], shown: ReadonlyMap<string, Observation>, fleet: Seen): HostPlan {
  const seen = { ...fleet, here: (id: string) => shown.get(id)?.text }
  const changes: PlannedChange[] = []
  const later: Resource[] = []
  const refused: { resource: Resource; refused: Refused }[] = []
  for (const resource of resources) {
    const now = shown.get(resource.id)
    const verdict = now ? resource.diff(now.text, seen) : { refused: 'the host showed nothing for it' }
    if (verdict === 'later') later.push(resource)
    else if (isRefused(verdict)) refused.push({ resource, refused: verdict })
    else if (now && verdict !== 'converged') changes.push({ resource, change: verdict, digest: now.digest })
  }
  const moves = changes.length + later.length > 0
  return { changes, later, refused: refused.filter(({ resource }) => moves || !resource.onlyBeforeChanges) }
}

function isRefused(verdict: Change | Refused | 'converged'): verdict is Refused {
  return typeof verdict === 'object' && 'refused' in verdict
}
