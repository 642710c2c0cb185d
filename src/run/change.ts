import { randomBytes } from 'node:crypto'
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { ProvisionError } from '../errors.ts'
import type { ApplyStep } from '../playbook/playbook.ts'
import type { ChangeReport, Outcome, Trouble } from '../report/report.ts'
import type { Progress } from '../report/terminal/progress.ts'
import type { Resource } from '../resources/resource.ts'
import { confirmingRoutes } from '../ssh/reach/reach.ts'
import type { Limiter } from '../ssh/reach/slots.ts'
import type { Session } from '../ssh/session/session.ts'
import { allEnded } from './all-ended.ts'
import { type Fleet, hasFailed, type Member } from './fleet.ts'
import { observeScript, parseObservations } from './plan/observation.ts'
import type { PlannedChange } from './plan/plan.ts'
import { type HostPlan, plan } from './plan/plan.ts'
import { transact, type Ways } from './transaction/transaction.ts'

/** What one host goes through: look, then for each step either nothing, or one transaction. */

export interface Changing {
  readonly fleet: Fleet
  /** `along`: by these ways alone; `until`: what the host keeps its turn for. */
  readonly login: (
    member: Member,
    how?: { readonly along?: readonly string[]; readonly until?: Promise<unknown> },
  ) => Promise<Session>
  readonly turns: Limiter
  readonly ways: Omit<Ways, 'login'>
  readonly pins: PinKeeper
  readonly progress: Pick<Progress, 'expect' | 'phase' | 'over'>
  readonly end: (member: Member, outcome: Outcome, error?: Trouble) => void
  /** Unique to this run. */
  readonly runId: string
  /** Who runs it, for another run that finds the host taken. */
  readonly who: string
  /** Seconds that a host waits for the confirming login. */
  readonly confirmWithinSeconds: number
}

/** What is pinned for the hosts of this run. In a run that touches nothing, `add` and `keep` do nothing. */
export interface PinKeeper {
  trusted(host: Member['host']): Promise<(key: string) => boolean>
  add(host: Member['host'], keys: readonly string[]): Promise<void>
  keep(host: Member['host'], keys: readonly string[]): Promise<void>
}

const lookMs = 60_000

/**
 * The first that a run asks of a host: one connection, one exec, all in one turn; without a script the connection alone.
 * @throws as login and exec do
 */
export async function askHost(
  member: Member,
  script: string | undefined,
  { login, progress, ways }: Changing,
): Promise<Buffer | undefined> {
  let asked = () => {}
  const until = new Promise<void>((resolve) => {
    asked = resolve
  })
  try {
    member.login = login(member, { until })
    member.session = await member.login
    member.via = member.session.via
    if (script === undefined) return undefined
    progress.phase(member.host.name, 'look')
    ways.debug(`look at ${member.host.name}`, script)
    return (await member.session.exec(script, { timeoutMs: lookMs, privileged: true })).stdout
  } finally {
    asked()
  }
}

/** Everything the playbook wants to know of one host. */
export async function lookAtHost(member: Member, changing: Changing): Promise<void> {
  const { host, resources } = member
  const mark = `seen-${randomBytes(16).toString('hex')}`
  try {
    const stdout = await askHost(member, resources.length > 0 ? observeScript(resources, mark) : undefined, changing)
    if (!stdout) return
    for (const [id, shown] of parseObservations(stdout, resources, mark)) member.shown.set(id, shown)
    await pin(member, resources, changing)
  } catch (error) {
    member.failure = error
    changing.end(member, 'unreachable', troubleOf(error))
  } finally {
    changing.progress.over('look', host.name)
  }
}

/** One step, on all hosts at once. */
export async function changeAll(step: ApplyStep, stepNumber: number, changing: Changing): Promise<void> {
  const { fleet, progress } = changing
  const work = `step ${stepNumber + 1}`
  progress.expect(work, [...fleet.members.keys()])
  await allEnded(
    [...fleet.members.values()].map(async (member) => {
      await changing.turns(() => change(member, step, stepNumber, changing))
      progress.over(work, member.host.name)
    }),
  )
}

/** Brings one host to what this step wants of it, or leaves it as it was. */
async function change(member: Member, step: ApplyStep, stepNumber: number, changing: Changing): Promise<void> {
  const { fleet, login, progress, end } = changing
  const resources = step.hosts.get(member.host.name) ?? []
  const { changes, later, refused } = plan(resources, member.shown, fleet.seen)
  if (hasFailed(member) || !member.session || resources.length === 0) return
  if (refused[0]) return end(member, 'rejected', refusal({ refused }))
  if (later.length > 0) return end(member, 'rejected', { message: waiting(later.map(({ id }) => id)) })
  if (changes.length === 0) return
  const { session } = member
  progress.phase(member.host.name, `apply ${changes.map(({ resource }) => resource.id).join(', ')}`)
  const transaction = {
    id: `${changing.runId}-${stepNumber}`,
    who: changing.who,
    confirmWithinSeconds: changing.confirmWithinSeconds,
    resources,
    changes,
    before: member.shown,
  }
  try {
    const ways = { ...changing.ways, login: () => login(member, { along: confirmingRoutes(member.host, session.via) }) }
    const result = await transact(session, transaction, fleet.seen, ways)
    if (result.session) member.session = result.session
    for (const [id, shown] of result.shown) member.shown.set(id, shown)
    if (result.outcome !== 'changed') return end(member, result.outcome, result.error)
    const renewed = changes.flatMap(({ change: { hostKeys } }) => hostKeys ?? [])
    if (renewed.length > 0) await changing.pins.keep(member.host, [...renewed, ...member.session.hostKeys()])
    await pin(member, resources, changing)
    member.changes.push(...changes.map(changeReport))
  } catch (error) {
    end(member, 'unknown', troubleOf(error))
  }
}

/** A host's own word, over a login that is pinned, about the keys that it will prove. */
async function pin(member: Member, resources: readonly Resource[], { pins }: Changing): Promise<void> {
  const told = resources.flatMap((resource) => {
    const shown = member.shown.get(resource.id)
    return (shown && resource.hostKeys?.(shown.text)) ?? []
  })
  if (told.length > 0) await pins.add(member.host, told)
  member.trusts = await pins.trusted(member.host)
}

/** What a whole run would do to this host, as far as it can be told now. */
export function preview({ resources, shown }: Member, { seen }: Fleet): { changes: ChangeReport[]; refused?: Trouble } {
  const { changes, later, refused } = plan(resources, shown, seen)
  const waits = later.map(({ id }) => {
    const digest = shown.get(id)?.digest
    return { resource: id, summary: 'to be told once what it needs is there', ...(digest && { seen: digest }) }
  })
  return {
    changes: [...changes.map(changeReport), ...waits],
    ...(refused.length > 0 && { refused: refusal({ refused }) }),
  }
}

function changeReport({ resource, change: { summary, text, interrupts }, digest }: PlannedChange): ChangeReport {
  return {
    resource: resource.id,
    summary,
    ...(text && { diff: unified(text) }),
    seen: digest,
    ...(interrupts && { interrupts }),
  }
}

function refusal({ refused }: Pick<HostPlan, 'refused'>): Trouble {
  const hint = refused.find((each) => each.refused.hint)?.refused.hint
  return {
    message: refused.map((each) => `${each.resource.id}: ${each.refused.refused}`).join('\n'),
    ...(hint && { hint }),
  }
}

function waiting(ids: readonly string[]): string {
  return `${ids.join(', ')}: not done, it needs what another host has not shown in this run`
}

export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof ProvisionError)) throw error
  return { message: error.message, ...(error.hint && { hint: error.hint }) }
}

function unified({ name, now, wanted }: { name: string; now: string; wanted: string }): string {
  return createTwoFilesPatch(name, name, now, wanted, 'now', 'wanted', { headerOptions: FILE_HEADERS_ONLY })
}
