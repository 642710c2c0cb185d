import { printListener } from '../../inventory/forward.ts'
import { clean } from '../inert.ts'
import type { HostReport, Report, Source, Spot, Trouble } from '../report.ts'

/** GitHub shows so many of one step; the rest would be dropped without notice. */
const mostAnnotations = 10
/** … and cuts what is longer. */
const longest = 4000

/** What GitHub shows beside a line of a file; an error unless it says something else. */
export interface Annotation extends Partial<Spot> {
  readonly level?: 'error' | 'notice'
  readonly file: string
  readonly title: string
  readonly message: string
}

/**
 * Everything that makes the run no success, the worst first, each at the line of the inventory that speaks of it. Where
 * a run only shows what it would do, that is no error.
 */
export function annotationsOf(report: Report, source: Source): Annotation[] {
  const { file } = source
  const { hosts, forwards, proofs = [] } = report
  const bad = hosts.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'changed')
  const differing = bad.filter(({ outcome }) => outcome === 'differs')
  const host = (each: HostReport) => ({
    ...{ file, ...source.host(each.name), title: `${each.name}: ${each.outcome}`, message: whatOf(each) },
  })
  return [
    ...bad.filter((each) => !differing.includes(each)).map(host),
    ...forwards.flatMap((forward) => {
      if (forward.state === 'ok') return []
      const title = `${printListener(forward)} on ${forward.gateway}: ${forward.state}`
      const spot = source.forward(forward) ?? source.host(forward.device)
      return { file, ...spot, title, message: sentence(forward.error) ?? `${forward.device} is not reached` }
    }),
    ...proofs.flatMap(({ host: name, what, state, error }) =>
      state === 'fails'
        ? { file, ...source.host(name), title: `${name}: ${what}: fails`, message: sentence(error) ?? state }
        : [],
    ),
    ...differing.map((each) => ({ ...host(each), ...(/check$/.test(report.command) && { level: 'notice' as const }) })),
  ]
}

/** The lines that make GitHub's runner show them. Nothing that a host sent is a command in them. */
export function annotate(annotations: readonly Annotation[]): string {
  const shown = annotations.length > mostAnnotations ? annotations.slice(0, mostAnnotations - 1) : annotations
  const [first] = annotations
  const left = annotations.length - shown.length
  const rest =
    first && left > 0
      ? [{ file: first.file, title: 'provision', message: `${left} more: see the summary or the log` }]
      : []
  return [...shown, ...rest].map((each) => `${command(each)}\n`).join('')
}

function command({ level = 'error', file, line, column, title, message }: Annotation): string {
  const properties = { file, line, col: column, title: clean(title) }
  const written = Object.entries(properties).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${encoded(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')}`,
  )
  return `::${level} ${written.join(',')}::${encoded(clean(message).slice(0, longest))}`
}

function encoded(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function whatOf({ outcome, changes, error }: HostReport): string {
  const drift = changes.map(({ resource, summary }) => `${resource}: ${summary}`)
  return sentence(error) ?? (drift.length > 0 ? drift.join('\n') : outcome)
}

function sentence(error: Trouble | undefined): string | undefined {
  return error && `${error.message}${error.hint ? `\nhint: ${error.hint}` : ''}`
}
