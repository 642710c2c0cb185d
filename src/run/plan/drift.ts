import type { ChangeReport, HostReport, Trouble } from '../../report/report.ts'

/**
 * What a plan that was made before does not hold for any more, host by host: another change than planned, or the same
 * change of something that shows itself differently by now. A host that cannot be looked at has not moved.
 */
export function driftSince(planned: readonly HostReport[], now: readonly HostReport[]): Map<string, Trouble> {
  return new Map(
    now.flatMap((host): [string, Trouble][] => {
      if (host.outcome === 'unreachable') return []
      const before = planned.find(({ name }) => name === host.name)
      const message = before ? differences(before, host).join('\n') : 'is not in the plan'
      if (message === '') return []
      return [[host.name, { message, hint: 'nothing was touched; make a new plan with --check --out, and look at it' }]]
    }),
  )
}

function differences(before: HostReport, now: HostReport): string[] {
  if (before.outcome === 'unreachable' && now.changes.length > 0)
    return ['could not be looked at when the plan was made, and has to be changed']
  const gone = before.changes.filter(({ resource }) => !changeOf(now, resource))
  return [
    ...now.changes.flatMap((change) => {
      const was = changeOf(before, change.resource)
      if (!was) return [`${change.resource}: is not in the plan: ${change.summary}`]
      if (was.summary !== change.summary)
        return [`${change.resource}: planned was "${was.summary}", needed is "${change.summary}"`]
      if (was.diff !== change.diff)
        return [`${change.resource}: has changed since the plan was made, the difference is now:`, ...rows(change.diff)]
      return was.seen === change.seen ? [] : [`${change.resource}: has changed since the plan was made`]
    }),
    ...gone.map(({ resource, summary }) => `${resource}: planned was "${summary}", needed is nothing`),
  ]
}

const rows = (diff = 'none') =>
  diff
    .trimEnd()
    .split('\n')
    .map((row) => `  ${row}`)

const changeOf = ({ changes }: HostReport, id: string): ChangeReport | undefined =>
  changes.find(({ resource }) => resource === id)
