import { RenamedHost } from '../errors.ts'
import type { Run } from './context.ts'

/**
 * A device that shows the host key of one that the inventory has no more was renamed in the file. Its gateways are left
 * alone: by the new name they would make a second account for it, and take the port from its own tunnel.
 */
export function holdForRenamed({ fleet: { members }, end }: Pick<Run, 'fleet' | 'end'>): void {
  for (const { host, failure } of members.values()) {
    if (!(failure instanceof RenamedHost) || host.role !== 'device') continue
    const gateways = new Set(host.forwards.map(({ gateway }) => gateway))
    for (const member of members.values()) {
      if (!gateways.has(member.host.name) || member.end !== undefined) continue
      const message = `nothing is changed here while ${host.name} may be ${failure.formerName} under a new name`
      end(member, 'rejected', { message, ...(failure.hint && { hint: failure.hint }) })
    }
  }
}
