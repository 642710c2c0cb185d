import { styleText } from 'node:util'
import { isForwardRoute, printListener } from '../../inventory/forward.ts'
import { inert } from '../inert.ts'
import { folded } from '../proofs.ts'
import type {
  AwayReport,
  FaultReport,
  ForwardReport,
  HostReport,
  ProofReport,
  RecoveryReport,
  Report,
  Trouble,
  UncheckedReport,
} from '../report.ts'

/**
 * How a report reads. One line a host, one line a forward, what went wrong right below it with what to do now.
 * Colour only repeats what the word says. Control characters that a host sent are taken out.
 */
export interface TextOptions {
  readonly color: boolean
  /** Show every change with its unified diff. */
  readonly diffs: boolean
}

export function printReport(report: Report, options: TextOptions): string {
  const paint = painter(options.color)
  const width = Math.max(...report.hosts.map(({ name }) => name.length), 0)
  const { proofs = [] } = report
  const lines = [
    ...report.hosts.flatMap((host) => [hostLine(host, width, paint), ...details(host, report, options, paint)]),
    ...report.forwards.flatMap((forward) => [
      forwardLine(forward, paint),
      ...(forward.unchecked ? [`  ${paint('yellow', 'unchecked')}: ${clean(forward.unchecked)}`] : []),
      ...trouble(forward.error, paint),
    ]),
    ...(report.command === 'check'
      ? [...report.recoveries.map(recoveryLine), ...(report.away ?? []).map(awayLine)]
      : []),
    ...(options.diffs ? proofs : folded(proofs)).flatMap((proof) => [
      proofLine(proof, paint),
      ...trouble(proof.error, paint),
    ]),
    ...faultLines(report.faults ?? [], paint),
    ...sentences(report.unchecked ?? []).map(
      ([what, names]) => `${paint('yellow', 'unchecked')} on ${names.join(', ')}: ${clean(what)}`,
    ),
    ...(report.pending ?? []).map((sentence) => `${paint('yellow', 'pending')}: ${clean(sentence)}`),
    ...(report.others?.length ? [`not in this inventory, and left alone: ${report.others.map(clean).join('; ')}`] : []),
    closing(report),
  ]
  return `${lines.join('\n')}\n`
}

/** What is going to be changed, before it is, and what is promised of the forwards then. */
export function printPlan({ hosts, recoveries, away = [] }: Plan, options: TextOptions): string {
  const paint = painter(options.color)
  const planned = hosts.filter(({ changes }) => changes.length > 0)
  if (planned.length === 0) return 'plan: nothing to change'
  return [
    ...planned.flatMap((host) => [planHead(host), ...changes(host, options, paint)]),
    ...recoveries.map(recoveryLine),
    ...away.map(awayLine),
  ].join('\n')
}

type Plan = Pick<Report, 'hosts' | 'recoveries' | 'away'>

function recoveryLine(recovery: RecoveryReport): string {
  const { device, gateway, powerCut, silentLink } = recovery
  const promise = `back within ${powerCut} s after a power cut, ${silentLink} s after a silent link${linkOf(recovery)}`
  return `${printListener(recovery)} on ${gateway} (${device}): ${promise}`
}

/** What was assumed of the link, where it matters: it could not be measured, or it is slow. */
function linkOf({ roundTripMs, linkSeconds, wished }: RecoveryReport): string {
  if (linkSeconds === undefined) return ', on a quick link'
  if (linkSeconds === 0) return ''
  const link = `, ${linkSeconds} s of them for a link whose round trip takes up to ${roundTripMs} ms`
  return wished === undefined
    ? link
    : `${link}; for the ${wished} s of "recoverWithin" write ${wished - linkSeconds} here`
}

function awayLine({ device, seconds, undone }: AwayReport): string {
  if (seconds === 0) return `${device}: its tunnel is not interrupted`
  return `${device}: its tunnel is down for at most ${seconds} s during the change, ${undone} s if the change has to be undone`
}

function planHead({ name, takesBack }: HostReport): string {
  return `plan for ${name}:${takesBack ? ` ${backwards(takesBack)}` : ''}`
}

const backwards = ({ run, who }: NonNullable<HostReport['takesBack']>) => clean(`undo run ${run} of ${who}`)

type Paint = (style: 'green' | 'yellow' | 'red' | 'dim' | 'cyan', text: string) => string

const painter =
  (color: boolean): Paint =>
  (style, text) =>
    color ? styleText(style, text, { validateStream: false }) : text

const styles = {
  ok: 'green',
  changed: 'yellow',
  differs: 'yellow',
  rejected: 'red',
  undone: 'red',
  'undo-failed': 'red',
  unreachable: 'red',
  unknown: 'red',
} as const

/**
 * `directly`, `via its forward`, `via its forward on ssh-gw`, `via its former forward 127.0.0.1:9022 on ssh-gw`, `via
 * ssh-gw`.
 */
export function routeText(via: string): string {
  return via === 'direct' ? 'directly' : `via ${isForwardRoute(via) ? 'its ' : ''}${via}`
}

function hostLine({ name, outcome, via, seconds, changes }: HostReport, width: number, paint: Paint): string {
  const route = via && via !== 'direct' ? ` ${routeText(via)}` : ''
  const count = changes.length ? `, ${plural(changes.length, 'change')}` : ''
  return `${name.padEnd(width)}  ${paint(styles[outcome], outcome.padEnd(11))} ${seconds.toFixed(1)} s${route}${count}`
}

/** Of a run that changes something the plan has said what. A verify has none, so here it says what differs. */
function details(host: HostReport, { command }: Report, options: TextOptions, paint: Paint): string[] {
  const run = host.takesBack ? [`  ${backwards(host.takesBack)}`] : []
  const told = options.diffs || command === 'verify'
  return [...(told ? [...run, ...changes(host, options, paint)] : []), ...trouble(host.error, paint)]
}

function changes(host: HostReport, { diffs }: TextOptions, paint: Paint): string[] {
  return host.changes.flatMap(({ resource, summary, diff }) => [
    `  ${clean(`${resource}: ${summary}`)}`,
    ...(diffs && diff ? patch(diff, paint) : []),
  ])
}

function patch(text: string, paint: Paint): string[] {
  return clean(text)
    .trimEnd()
    .split('\n')
    .map(
      (line) => `    ${line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line}`,
    )
}

function forwardLine(
  { device, gateway, bindAddress, port, state, latencyMs, hostKey, waited }: ForwardReport,
  paint: Paint,
): string {
  const proof =
    state === 'ok'
      ? ` as ${device}${hostKey ? ` ${hostKey}` : ''}${latencyMs === undefined ? '' : `, ${latencyMs} ms`}`
      : ` (${device})`
  const after = waited === undefined ? '' : `, after ${waited.toFixed(1)} s of waiting`
  return `${printListener({ bindAddress, port })} on ${gateway}  ${paint(state === 'ok' ? 'green' : 'red', state === 'ok' ? 'answers' : state)}${proof}${after}`
}

/** A table: what happened, what the plan had promised, what was measured. */
function faultLines(faults: readonly FaultReport[], paint: Paint): string[] {
  const width = Math.max(...faults.map(({ title }) => title.length), 'fault'.length)
  const row = (title: string, promised: string, measured: string, verdict: string) =>
    `${title.padEnd(width)}  ${promised.padStart(8)}  ${measured.padStart(8)}  ${verdict}`
  const figure = (count: number | undefined, digits: number) =>
    count === undefined ? '-' : `${count.toFixed(digits)} s`
  const rows = faults.flatMap(({ title, promised, seconds, verdict, error }) => [
    row(title, figure(promised, 0), figure(seconds, 1), paint(verdictStyles[verdict], verdict)),
    ...trouble(error, paint),
  ])
  return faults.length === 0 ? [] : [row('fault', 'promised', 'measured', 'verdict'), ...rows]
}

const verdictStyles = { kept: 'green', late: 'red', never: 'red', untried: 'yellow' } as const

function proofLine({ host, what, state }: ProofReport, paint: Paint): string {
  const style = { holds: 'green', fails: 'red', untried: 'yellow' } as const
  return `${host}  ${paint(style[state], state === 'holds' ? 'proved' : state)}: ${clean(what)}`
}

/** What is the same for many hosts is printed once. */
function sentences(unchecked: readonly UncheckedReport[]): [what: string, hosts: string[]][] {
  const all = new Map<string, string[]>()
  for (const { host, what } of unchecked) all.set(what, [...(all.get(what) ?? []), host])
  return [...all]
}

function trouble(error: Trouble | undefined, paint: Paint): string[] {
  if (!error) return []
  const message = clean(error.message).trimEnd().split('\n')
  return [...message.map((line) => `  ${paint('red', line)}`), ...(error.hint ? [`  hint: ${clean(error.hint)}`] : [])]
}

/** The whole run in one sentence. */
export function closing({ hosts, forwards, faults, seconds, command }: Report): string {
  const count = (outcome: string) => hosts.filter((host) => host.outcome === outcome).length
  const parts = (['changed', 'differs', 'ok', 'rejected', 'undone', 'undo-failed', 'unreachable', 'unknown'] as const)
    .filter((outcome) => count(outcome) > 0)
    .map((outcome) => `${count(outcome)} ${outcome}`)
  const answering = forwards.filter(({ state }) => state === 'ok').length
  const proved = forwards.length
    ? `; ${answering} of ${plural(forwards.length, 'forward')} ${answering === 1 ? 'reaches its' : 'reach their'} device`
    : ''
  if (faults) {
    const kept = faults.filter(({ verdict }) => verdict === 'kept').length
    return `drilled: ${kept} of ${plural(faults.length, 'promise')} kept, ${seconds.toFixed(1)} s`
  }
  const changed = hosts.some(({ outcome, changes }) => moving.has(outcome) || changes.length > 0)
  const still = command === 'apply' && count('differs') > 0 && !changed
  const verb = still ? 'nothing was touched' : verbs[command]
  return `${verb}: ${parts.join(', ') || 'no hosts'}${proved}, ${seconds.toFixed(1)} s`
}

/** Something went live, if only for a while. */
const moving = new Set(['changed', 'undone', 'undo-failed', 'unknown'])

const verbs = {
  apply: 'provisioned',
  check: 'checked, nothing was touched',
  verify: 'verified',
  undo: 'undone',
  'undo-check': 'checked, nothing was touched',
  drill: 'drilled',
} as const

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** No terminal control from the far side: everything below space but line ends and tabs. And no command to a CI. */
export function clean(text: string): string {
  return inert(text.replaceAll(/\r\n?/g, '\n').replaceAll(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, ''))
}
