import { isForwardRoute, printListener } from '../../inventory/forward.ts'
import { clean } from '../inert.ts'
import { withLocalTimes } from '../local-time.ts'
import { folded } from '../proofs.ts'
import type {
  FaultReport,
  ForwardReport,
  HostReport,
  ProofReport,
  Report,
  Trouble,
  UncheckedReport,
} from '../report.ts'
import { type Paint, painter, plural, wrapped } from './paint.ts'
import { printChanges, printCheck, type TextOptions } from './plan.ts'

/**
 * How a report reads. One line a host, one line a forward, what went wrong right below it with what to do now.
 * Colour only repeats what the word says. Control characters that a host sent are taken out.
 */
export function printReport(report: Report, options: TextOptions): string {
  const paint = painter(options.color)
  const width = Math.max(...report.hosts.map(({ name }) => name.length), 0)
  const { proofs = [] } = report
  const wrap = (line: string) => wrapped(line, options.columns, 4)
  const labelled = (style: 'yellow' | 'red', label: string, rest: string) =>
    wrap(`${label}${rest}`).map((row, at) => (at === 0 ? paint(style, label) + row.slice(label.length) : row))
  const trouble = (error: Trouble | undefined) => (error ? troubleLines(error, wrap, paint) : [])
  const lines = [
    ...report.hosts.flatMap((host) => [
      hostLine(host, width, paint),
      // The plan of a run that changes something has said what; a verify has none, so here it says what differs.
      ...(report.command === 'verify' ? printChanges(host, options) : []),
      ...trouble(host.error),
    ]),
    ...report.forwards.flatMap((forward) => [
      forwardLine(forward, paint),
      ...(forward.unchecked ? labelled('yellow', '  unchecked', `: ${sentence(forward.unchecked)}`) : []),
      ...trouble(forward.error),
    ]),
    ...(isCheck(report) ? printCheck(report, options) : []),
    ...printProofs(proofs, options),
    ...faultLines(report.faults ?? [], paint, trouble),
    ...sentences(report.unchecked ?? []).flatMap(([what, names]) =>
      labelled('yellow', 'unchecked', ` on ${names.join(', ')}: ${sentence(what)}`),
    ),
    ...(report.pending ?? []).flatMap((what) => labelled('yellow', 'pending', `: ${sentence(what)}`)),
    ...(report.others?.length
      ? wrap(`not in this inventory, and left alone: ${report.others.map(sentence).join('; ')}`)
      : []),
    ...(report.lostShards ?? []).flatMap((shard) => labelled('red', 'lost', `: shard ${shard} has left no report`)),
    ...wrap(closing(report)),
  ]
  return `${lines.join('\n')}\n`
}

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

const isCheck = ({ command }: Report) => command === 'check' || command === 'undo-check'

/** A table: what happened, what the plan had promised, what was measured. */
function faultLines(
  faults: readonly FaultReport[],
  paint: Paint,
  trouble: (error: Trouble | undefined) => string[],
): string[] {
  const width = Math.max(...faults.map(({ title }) => title.length), 'fault'.length)
  const row = (title: string, promised: string, measured: string, verdict: string) =>
    `${title.padEnd(width)}  ${promised.padStart(8)}  ${measured.padStart(8)}  ${verdict}`
  const figure = (count: number | undefined, digits: number) =>
    count === undefined ? '-' : `${count.toFixed(digits)} s`
  const rows = faults.flatMap(({ title, promised, seconds, verdict, error }) => [
    row(title, figure(promised, 0), figure(seconds, 1), paint(verdictStyles[verdict], verdict)),
    ...trouble(error),
  ])
  return faults.length === 0 ? [] : [row('fault', 'promised', 'measured', 'verdict'), ...rows]
}

const verdictStyles = { kept: 'green', late: 'red', never: 'red', untried: 'yellow' } as const

export function printProofs(proofs: readonly ProofReport[], options: TextOptions): string[] {
  const paint = painter(options.color)
  const wrap = (line: string) => wrapped(line, options.columns, 4)
  return (options.diffs ? proofs : folded(proofs)).flatMap((proof) => [
    proofLine(proof, paint),
    ...(proof.error ? troubleLines(proof.error, wrap, paint) : []),
  ])
}

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

function troubleLines({ message, hint }: Trouble, wrap: (line: string) => string[], paint: Paint): string[] {
  const rows = sentence(message).trimEnd().split('\n')
  return [
    ...rows.flatMap((row) => wrap(`  ${row}`)).map((row) => row.replace(/\S.*/, (text) => paint('red', text))),
    ...(hint ? wrap(`  hint: ${sentence(hint)}`) : []),
  ]
}

const sentence = (text: string) => withLocalTimes(clean(text))

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
  const still = (command === 'apply' || command === 'undo') && count('differs') > 0 && !changed
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
