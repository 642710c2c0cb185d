import { printListener } from '../../inventory/forward.ts'
import type { ForwardReport, HostReport, ProofReport, Report, Source, Spot, Trouble } from '../report.ts'

/**
 * The report as JUnit XML, in what GitHub's actions, GitLab and Jenkins all read: testsuites > testsuite > testcase
 * with at most one of failure, error, skipped. One suite a host. Names are the same in every run, and no two cases
 * share theirs, since GitLab counts only the first of them. The text of a failure says all, since some show the text
 * and no attribute.
 */
export function junit(report: Report, { at, source }: { readonly at: Date; readonly source: Source }): string {
  const suites = suitesOf(report, source)
  const head = attributes({
    name: `provision ${report.command} ${report.inventory}`,
    ...counts(suites.flatMap(([, cases]) => cases)),
    time: report.seconds,
  })
  const bodies = suites.map(([host, cases]) => suite(host, cases, report, at))
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${head}>\n${bodies.join('')}</testsuites>\n`
}

interface Case {
  readonly name: string
  /** Nothing: it went as it should. */
  readonly verdict?: 'failure' | 'error' | 'skipped'
  /** In one word: `drift`, or the report's own word for it. */
  readonly type?: string
  readonly message?: string
  /** What else there is to read. */
  readonly text?: string
  readonly seconds?: number
  readonly spot?: Spot | undefined
  readonly file: string
}

/** A device that was not logged in to has a suite all the same: for its forwards, and for what was not looked at. */
function suitesOf(report: Report, { file, ...written }: Source): [string, Case[]][] {
  const { hosts, forwards, proofs = [], unchecked = [] } = report
  const names = [hosts, unchecked.map(({ host }) => ({ name: host })), forwards.map(({ device }) => ({ name: device }))]
  return [...new Set(names.flat().map(({ name }) => name))].map((name) => {
    const host = hosts.find((each) => each.name === name)
    const spot = written.host(name)
    const here = { file, spot }
    return [
      name,
      distinct([
        ...(host ? hostCases(host, report).map((each) => ({ ...here, ...each })) : []),
        ...unchecked.flatMap(({ host: of, what }) =>
          of === name
            ? { ...here, name: host ? 'beyond this run' : 'host', verdict: 'skipped' as const, message: what }
            : [],
        ),
        ...forwards.flatMap((forward) =>
          forward.device === name ? { ...here, ...forwardCase(forward), spot: written.forward(forward) ?? spot } : [],
        ),
        ...proofs.flatMap((proof) => (proof.host === name ? { ...here, ...proofCase(proof) } : [])),
      ]),
    ]
  })
}

type TestResult = Omit<Case, 'file' | 'spot'>

const good = new Set(['ok', 'changed', 'differs'])

function hostCases({ outcome, seconds, resources, changes, error }: HostReport, { command }: Report): TestResult[] {
  const host: TestResult = { name: 'host', seconds, ...(good.has(outcome) ? {} : problem('error', outcome, error)) }
  // What an undo reverts was not looked at by the playbook.
  const all = new Set([...resources, ...changes.map(({ resource }) => resource)])
  return [
    host,
    ...[...all].map((name): TestResult => {
      const change = changes.find(({ resource }) => resource === name)
      if (!change) return { name }
      const { summary: message, diff } = change
      const drift = command === 'apply' || command === 'undo' ? {} : { verdict: 'failure' as const, type: 'drift' }
      return { name, ...drift, message, ...(diff && { text: diff }) }
    }),
  ]
}

function forwardCase({ gateway, state, error, latencyMs, unchecked, ...listener }: ForwardReport): TestResult {
  const name = `forward ${printListener(listener)} on ${gateway}`
  const seconds = latencyMs === undefined ? {} : { seconds: latencyMs / 1000 }
  if (state === 'ok') return { name, ...seconds, ...(unchecked && { message: `unchecked: ${unchecked}` }) }
  return { name, ...seconds, ...problem(state === 'unverified' ? 'error' : 'failure', state, error) }
}

function proofCase({ what, state, error }: ProofReport): TestResult {
  const name = `proof: ${what}`
  if (state === 'holds') return { name }
  return { name, ...problem(state === 'fails' ? 'failure' : 'skipped', state, error) }
}

function problem(verdict: Exclude<Case['verdict'], undefined>, type: string, error: Trouble | undefined) {
  const message = error?.message.trimEnd() ?? type
  return { verdict, type, message, ...(error?.hint && { text: `hint: ${error.hint}` }) }
}

function distinct(cases: readonly Case[]): Case[] {
  const seen = new Map<string, number>()
  return cases.map((each) => {
    const count = (seen.get(each.name) ?? 0) + 1
    seen.set(each.name, count)
    return count === 1 ? each : { ...each, name: `${each.name} (${count})` }
  })
}

const counts = (cases: readonly Case[]) => {
  const count = (verdict: Case['verdict']) => cases.filter((each) => each.verdict === verdict).length
  return { tests: cases.length, failures: count('failure'), errors: count('error'), skipped: count('skipped') }
}

function suite(name: string, cases: readonly Case[], { hosts }: Report, at: Date): string {
  const time = hosts.find((host) => host.name === name)?.seconds ?? 0
  const timestamp = at.toISOString().slice(0, 19)
  const head = attributes({ name, ...counts(cases), time, timestamp, hostname: name })
  return `  <testsuite${head}>\n${cases.map((each) => testCase(name, each)).join('')}  </testsuite>\n`
}

function testCase(classname: string, { name, verdict, type, message, text, seconds = 0, file, spot }: Case): string {
  const head = `    <testcase${attributes({ classname, name, time: seconds, file, line: spot?.line })}`
  const all = [message, text].filter((part) => part !== undefined).join('\n')
  const first = message?.split('\n')[0]
  if (verdict === 'skipped') return `${head}>\n      <skipped${attributes({ message: all })}/>\n    </testcase>\n`
  if (verdict) {
    return `${head}>\n      <${verdict}${attributes({ message: first, type })}>${xmlText(all)}</${verdict}>\n    </testcase>\n`
  }
  return all ? `${head}>\n      <system-out>${xmlText(all)}</system-out>\n    </testcase>\n` : `${head}/>\n`
}

function attributes(values: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${attribute(typeof value === 'number' ? number(name, value) : (value ?? ''))}"`)
    .join('')
}

const number = (name: string, value: number) => (name === 'time' ? value.toFixed(3) : String(value))

/** A parser makes spaces of line ends and tabs in an attribute, unless they are written as numbers. */
function attribute(text: string): string {
  return xmlText(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}

/**
 * Text of an element. XML 1.0 has no way at all to write most control characters, lone surrogates, U+FFFE and U+FFFF,
 * and reads a carriage return as a line end.
 */
function xmlText(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\t\n\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
