import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import type { ChangeReport, Trouble } from '../report/report.ts'
import { effectOf } from '../resources/resource.ts'
import type { Fleet, Member } from './fleet.ts'
import { type HostPlan, type PlannedChange, plan } from './plan/plan.ts'

/** What a whole run would do to this host, as far as it can be told now. */
export function preview({ resources, shown }: Member, { seen }: Fleet): { changes: ChangeReport[]; refused?: Trouble } {
  const { changes, later, refused } = plan(resources, shown, seen)
  const waits = later.map(({ id }) => {
    const digest = shown.get(id)?.digest
    return { resource: id, summary: 'depends on a value that is not known yet', ...(digest && { seen: digest }) }
  })
  return {
    changes: [...changes.map(changeReport), ...waits],
    ...(refused.length > 0 && { refused: refusal({ refused }) }),
  }
}

/** A planned change, for people. */
export function changeReport({ resource, change, digest }: PlannedChange): ChangeReport {
  const { summary, text, interrupts } = change
  return {
    resource: resource.id,
    summary,
    effect: effectOf(change),
    ...(text && { diff: unified(text) }),
    seen: digest,
    ...(interrupts && { interrupts }),
  }
}

/** All that a host refuses, in one. */
export function refusal({ refused }: Pick<HostPlan, 'refused'>): Trouble {
  const hint = refused.find((each) => each.refused.hint)?.refused.hint
  return {
    message: refused.map((each) => `${each.resource.id}: ${each.refused.refused}`).join('\n'),
    ...(hint && { hint }),
  }
}

/** They need what another host did not show. */
export function notKnown(ids: readonly string[]): string {
  return `${ids.join(', ')}: not done: this needs a value that another host has not shown in this run`
}

function unified({ name, now, wanted }: { name: string; now: string; wanted: string }): string {
  return createTwoFilesPatch(name, name, now, wanted, 'now', 'wanted', { headerOptions: FILE_HEADERS_ONLY })
}
