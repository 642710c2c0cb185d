import type { Run } from './context.ts'
import type { Member } from './fleet.ts'
import { plan } from './plan/plan.ts'

/**
 * Of a device whose change in this step is live: is that its last one in this run, and has nothing of its gateways to
 * change any more; `shown`: what it shows now. What is asked of gateways is asked once for all devices of the step:
 * with a thousand of them each answer takes 0.2 s.
 */
export function lastChangeOf(stepNumber: number, { steps, fleet }: Pick<Run, 'steps' | 'fleet'>) {
  const later = steps.slice(stepNumber + 1)
  const changes = (name: string, shown: Member['shown'] = new Map()) =>
    later.some((step) => {
      if (step.kind !== 'apply') return false
      const differs = plan(step.hosts.get(name) ?? [], shown, fleet.seen)
      return differs.changes.length + differs.later.length > 0
    })
  const gateways = new Map<string, boolean>()
  const gatewayChanges = (name: string) => {
    const answer = gateways.get(name) ?? changes(name, fleet.members.get(name)?.shown)
    gateways.set(name, answer)
    return answer
  }
  let moves: boolean | undefined
  const somethingMoves = () => {
    moves ??= later.some((step) => step.kind === 'prove' && step.forwards(fleet.seen).length > 0)
    return moves
  }
  return ({ host, shown: before }: Member, shown: Member['shown']): boolean =>
    host.role === 'device' &&
    !changes(host.name, new Map([...before, ...shown])) &&
    !host.forwards.some(({ gateway }) => gatewayChanges(gateway)) &&
    !somethingMoves()
}
