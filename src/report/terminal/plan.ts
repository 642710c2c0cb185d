import { printListener } from '../../inventory/forward.ts'
import { clean } from '../inert.ts'
import { withLocalTimes } from '../local-time.ts'
import type { AwayReport, ChangeReport, HostReport, RecoveryReport, Report } from '../report.ts'
import { listed, type Paint, painter, plural, wrapped } from './paint.ts'

/**
 * How a plan reads: one line for each change, `+ ~ -`, the same changes of several hosts once, what goes last of all,
 * then what is promised of the forwards, and all of it in one sentence.
 */
export interface TextOptions {
  readonly color: boolean
  /** Show every change with its unified diff; one that several hosts have alike, once. */
  readonly diffs: boolean
  /** Characters of a line; absent or 0: it is no terminal, and no line is wrapped. */
  readonly columns?: number | undefined
}

type Plan = Pick<Report, 'hosts' | 'recoveries' | 'away'>

/** What is going to be changed, before it is, and what is promised of the forwards then. */
export function printPlan({ hosts, recoveries, away = [] }: Plan, options: TextOptions): string {
  const planned = hosts.filter(({ changes }) => changes.length > 0)
  if (planned.length === 0) return 'plan: nothing to change'
  const paint = painter(options.color)
  const wrap = (line: string) => wrapped(line, options.columns, 4)
  const groups = alike(planned)
  return [
    ...groups.flatMap((group) => changeBlock(group, options, paint)),
    ...removalBlock(groups, options, paint),
    ...promises(recoveries).flatMap(wrap),
    ...downtimes(away).flatMap(wrap),
    ...wrap(summary(planned, away)).map((line) => paint('bold', line)),
  ].join('\n')
}

/** The same of a run that changes nothing: what is promised holds also where there is nothing to change. */
export function printCheck(plan: Plan, options: TextOptions): string[] {
  if (plan.hosts.some(({ changes }) => changes.length > 0)) return [printPlan(plan, options)]
  return promises(plan.recoveries).flatMap((line) => wrapped(line, options.columns, 4))
}

/** Of one host: its changes, a line each. */
export function printChanges(host: HostReport, options: TextOptions): string[] {
  const paint = painter(options.color)
  return host.changes.flatMap((change) => [
    ...changeLines(change, '', options, paint),
    ...diffLines([host], change, options, paint),
  ])
}

/** Hosts to which the same is done, diffs aside, in the order in which the first of each stands. */
function alike(hosts: readonly HostReport[]): HostReport[][] {
  const groups = new Map<string, HostReport[]>()
  for (const host of hosts) {
    const same = JSON.stringify([
      host.takesBack,
      host.changes.map(({ resource, summary, effect }) => [resource, summary, effect]),
    ])
    groups.set(same, [...(groups.get(same) ?? []), host])
  }
  return [...groups.values()]
}

const isRemoval = ({ effect }: ChangeReport) => effect === 'remove'

function changeBlock(group: readonly HostReport[], options: TextOptions, paint: Paint): string[] {
  const [first] = group
  const changes = first?.changes.filter((change) => !isRemoval(change)) ?? []
  if (!first || (changes.length === 0 && !first.takesBack)) return []
  const undone = first.takesBack ? ` ${undoOf(first.takesBack)}` : ''
  return [
    ...wrapped(`plan for ${named(group)}:${undone}`, options.columns, 4),
    ...changes.flatMap((change) => [
      ...changeLines(change, '', options, paint),
      ...diffLines(group, change, options, paint),
    ]),
  ]
}

/** What is there and goes stands last, where whoever is asked reads it. */
function removalBlock(groups: readonly (readonly HostReport[])[], options: TextOptions, paint: Paint): string[] {
  const lines = groups.flatMap((group) =>
    (group[0]?.changes ?? [])
      .filter(isRemoval)
      .flatMap((change) => [
        ...changeLines(change, `${named(group)}: `, options, paint),
        ...diffLines(group, change, options, paint),
      ]),
  )
  return lines.length > 0 ? [paint('red', 'to be removed:'), ...lines] : []
}

const named = (group: readonly HostReport[]) =>
  `${listed(group.map(({ name }) => name))}${group.length > 4 ? ` (${plural(group.length, 'host')})` : ''}`

/** The run that an undo reverts. */
const undoOf = ({ run, who }: NonNullable<HostReport['takesBack']>) =>
  clean(`undo run ${run} of ${withLocalTimes(who)}`)

const signs = { add: '+', change: '~', remove: '-' } as const
const colors = { add: 'green', change: 'yellow', remove: 'red' } as const

function changeLines(
  { resource, summary, effect = 'change' }: ChangeReport,
  whose: string,
  { columns }: TextOptions,
  paint: Paint,
): string[] {
  const line = `  ${signs[effect]} ${whose}${clean(`${resource}: ${summary}`).replaceAll('\n', ' ')}`
  const [first = '', ...more] = wrapped(line, columns, 6)
  return [`  ${paint(colors[effect], signs[effect])}${first.slice(3)}`, ...more]
}

/** Below the line of a change: its diff; where hosts differ in it, each diff once, and on how many hosts. */
function diffLines(
  group: readonly HostReport[],
  { resource }: ChangeReport,
  { diffs }: TextOptions,
  paint: Paint,
): string[] {
  if (!diffs) return []
  const found = new Map<string, HostReport[]>()
  for (const host of group) {
    const diff = host.changes.find((change) => change.resource === resource)?.diff
    if (diff) found.set(diff, [...(found.get(diff) ?? []), host])
  }
  return [...found].flatMap(([diff, hosts]) => [
    ...(group.length > 1 ? [`    ${onHosts(hosts)}:`] : []),
    ...patch(diff, paint),
  ])
}

function onHosts(hosts: readonly HostReport[]): string {
  const [first] = hosts
  if (hosts.length === 1 && first) return `on ${first.name}`
  return `on ${plural(hosts.length, hosts.every(({ role }) => role === 'device') ? 'device' : 'host')}`
}

function patch(text: string, paint: Paint): string[] {
  return clean(text)
    .trimEnd()
    .split('\n')
    .map(
      (line) => `    ${line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line}`,
    )
}

/** What is the same for several is said once. */
function bySentence<T>(all: readonly T[], subject: (one: T) => string, sentence: (one: T) => string): string[] {
  const found = new Map<string, string[]>()
  for (const one of all) found.set(sentence(one), [...(found.get(sentence(one)) ?? []), subject(one)])
  return [...found].map(([words, subjects]) => `${listed(subjects)}: ${words}`)
}

const promises = (recoveries: readonly RecoveryReport[]) =>
  bySentence(
    recoveries,
    (recovery) => `${printListener(recovery)} on ${recovery.gateway} (${recovery.device})`,
    (recovery) =>
      `back within ${recovery.powerCut} s after a power cut, ${recovery.silentLink} s after a silent link${linkOf(recovery)}`,
  )

/** What was assumed of the link, where it matters: it could not be measured, or it is slow. */
function linkOf({ roundTripMs, linkSeconds, wished }: RecoveryReport): string {
  if (linkSeconds === undefined) return ', on a quick link'
  if (linkSeconds === 0) return ''
  const link = `, ${linkSeconds} s of them for a link whose round trip takes up to ${roundTripMs} ms`
  return wished === undefined
    ? link
    : `${link}; for the ${wished} s of "recoverWithin" write ${wished - linkSeconds} here`
}

const downtimes = (away: readonly AwayReport[]) =>
  bySentence(
    away,
    ({ device }) => device,
    ({ seconds, undone }) =>
      seconds === 0
        ? 'the tunnel is not interrupted'
        : `the tunnel is down for at most ${seconds} s during the change, ${undone} s if the change has to be undone`,
  )

/** `3 to add, 1 to change, 0 to remove on 2 hosts; pi1 away for at most 10 s` */
function summary(planned: readonly HostReport[], away: readonly AwayReport[]): string {
  const effects = planned.flatMap(({ changes }) => changes.map(({ effect = 'change' }) => effect))
  const count = (effect: keyof typeof signs) => effects.filter((one) => one === effect).length
  const gone = away.filter(({ seconds }) => seconds > 0)
  const longest = Math.max(...gone.map(({ seconds }) => seconds))
  return [
    `${count('add')} to add, ${count('change')} to change, ${count('remove')} to remove on ${plural(planned.length, 'host')}`,
    ...(gone.length > 0 ? [`${listed(gone.map(({ device }) => device))} away for at most ${longest} s`] : []),
  ].join('; ')
}
