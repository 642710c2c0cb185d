import { type Device, type Gateway, hosts, type Inventory } from '../inventory/model.ts'
import type { ApplyStep, Step } from '../playbook/playbook.ts'
import type { ChangeReport, HostReport, Outcome, Trouble } from '../report/report.ts'
import { lastingStorage } from '../resources/lasting-storage.ts'
import type { Resource, Seen } from '../resources/resource.ts'
import { fingerprintOf } from '../ssh/host-keys/pins.ts'
import type { Session } from '../ssh/session/session.ts'
import type { Observation } from './plan/observation.ts'

/** One host on its way through one run. It changes by the functions of this file alone. */
export interface Member {
  readonly host: Gateway | Device
  /** Everything the playbook wants of it, over all steps: all of it is looked at in one exec. */
  readonly resources: readonly Resource[]
  readonly shown: ReadonlyMap<string, Observation>
  readonly changes: readonly ChangeReport[]
  readonly began: number
  /** Is this host key pinned for it, or accepted in place of the pin. */
  readonly trusts?: (key: string) => boolean
  /** The login of the look, from the moment it is under way. */
  readonly login?: Promise<Session>
  /** The newest session; none while there is no connection. */
  readonly session?: Session
  readonly via?: string
  /** Why it could not be looked at. */
  readonly failure?: unknown
  /** Of an undo: the run that it undoes here. */
  readonly takesBack?: NonNullable<HostReport['takesBack']>
  readonly end?: MemberEnd
}

export interface MemberEnd {
  readonly outcome: Outcome
  readonly error?: Trouble
  /** As the clock of the run counts, in ms. */
  readonly at: number
}

/** The hosts of one run, and what they have shown so far. */
export interface Fleet {
  readonly members: ReadonlyMap<string, Member>
  /** Devices that were proved in mid-run: do they answer through what they are to have. */
  readonly answers: Map<string, boolean>
  readonly seen: Seen
}

type Draft = { -readonly [K in keyof Member]: Member[K] }
const draft = (member: Member): Draft => member

/** Logs in; the login is known from now on, and its session as soon as it stands. @throws as the login does */
export async function logIn(member: Member, login: Promise<Session>): Promise<Session> {
  draft(member).login = login
  const session = await login
  replaceSession(member, session)
  draft(member).via = session.via
  return session
}

export function replaceSession(member: Member, session: Session): void {
  draft(member).session = session
}

/** What resources of it show now. */
export function observe(member: Member, observations: ReadonlyMap<string, Observation>): void {
  draft(member).shown = new Map([...member.shown, ...observations])
}

/** Which host keys are its own, as far as is known now. */
export function trustKeys(member: Member, trusts: (key: string) => boolean): void {
  draft(member).trusts = trusts
}

export function addChanges(member: Member, changes: readonly ChangeReport[]): void {
  draft(member).changes = [...member.changes, ...changes]
}

/** It could not be looked at. */
export function failLook(member: Member, failure: unknown): void {
  draft(member).failure = failure
}

export function endMember(member: Member, end: MemberEnd): void {
  draft(member).end = end
}

/**
 * It is going to be looked at once more, as if nobody had; its session is closed. What it showed stays until it shows
 * something else.
 */
export function startAgain(member: Member): void {
  dropSession(member)
  forgetFailure(member)
}

export function dropSession(member: Member): void {
  member.session?.close()
  delete draft(member).session
}

/** What went wrong with it is forgotten, for another try. Gives what puts that back where the try fails, too. */
export function forgetFailure(member: Member): () => void {
  const { failure, end } = member
  delete draft(member).failure
  delete draft(member).end
  return () => {
    draft(member).failure = failure
    if (end) draft(member).end = end
  }
}

/** An undo takes this run back here. */
export function planUndo(member: Member, run: NonNullable<HostReport['takesBack']>): void {
  draft(member).takesBack = run
}

/** The hosts that the steps speak of and `limit` lets through. */
export function assemble(
  inventory: Inventory,
  steps: readonly Step[],
  limit: (name: string) => boolean,
  now: number,
): Fleet {
  const wanted = steps.filter((step): step is ApplyStep => step.kind === 'apply')
  const members = new Map<string, Member>()
  for (const host of hosts(inventory)) {
    if (!limit(host.name)) continue
    const own = new Map(
      wanted.flatMap((step) => (step.hosts.get(host.name) ?? []).map((resource) => [resource.id, resource] as const)),
    )
    // Where nothing is wanted nothing is changed.
    const resources: Resource[] = own.size === 0 ? [] : [lastingStorage, ...own.values()]
    members.set(host.name, { host, resources, shown: new Map(), changes: [], began: now })
  }
  const answers = new Map<string, boolean>()
  return {
    members,
    answers,
    seen: {
      of: (host, id) => members.get(host)?.shown.get(id)?.text,
      hostKey: (host) => members.get(host)?.session?.hostKey,
      login: (host) => loginOf(members.get(host)?.session),
      via: (host) => members.get(host)?.via,
      answers: (device) => answers.get(device),
      failed: (host) => hasFailed(members.get(host)),
      proved: (host) => members.get(host)?.session?.hostKeys(),
      trusts: (host, key) => members.get(host)?.trusts?.(key) ?? false,
      gone: (host) => !members.has(host) || hasFailed(members.get(host)),
    },
  }
}

function loginOf(session: Session | undefined): ReturnType<NonNullable<Seen['login']>> {
  if (session?.login === undefined) return undefined
  const { user, key } = session.login
  return { user, ...(key !== undefined && { isKey: (blob) => fingerprintOf(Buffer.from(blob, 'base64')) === key }) }
}

export function hasFailed(member: Member | undefined): boolean {
  return member?.end !== undefined && !['ok', 'changed', 'differs'].includes(member.end.outcome)
}

export function reportOf({ host, via, resources, shown, changes, takesBack, began, end }: Member): HostReport {
  return {
    name: host.name,
    role: host.role,
    outcome: end?.outcome ?? 'unknown',
    ...(via && { via }),
    seconds: Math.round((end?.at ?? began) - began) / 1000,
    resources: resources.flatMap(({ id, onlyBeforeChanges }) => (shown.has(id) && !onlyBeforeChanges ? [id] : [])),
    changes,
    ...(takesBack && { takesBack }),
    ...(end?.error && { error: end.error }),
  }
}
