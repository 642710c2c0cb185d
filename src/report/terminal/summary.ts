import { printListener } from '../../inventory/forward.ts'
import { clean } from '../inert.ts'
import { folded } from '../proofs.ts'
import type { Report, Trouble } from '../report.ts'
import { closing } from './text.ts'

/** GitHub takes 1 MiB from a step, and nothing of what is more; diffs are left out before that. */
const roomForDiffs = 512 * 1024

/** The report as Markdown, for the page of a CI run: what went wrong first of all, then each host and each forward. */
export function markdown(report: Report): string {
  const { hosts, forwards, proofs = [], unchecked = [] } = report
  return [
    `### provision ${report.command} ${plain(report.inventory)}`,
    `${verdict(report)} ${plain(closing(report))}`,
    table(
      ['host', 'outcome', 'reached', ''],
      hosts.map(({ name, outcome, via, changes, error }) => [
        ...[name, `${mark(outcome)} ${outcome}`, via ?? ''],
        [...(error ? [trouble(error)] : []), ...changes.map(({ resource, summary }) => `${resource}: ${summary}`)].join(
          '\n',
        ),
      ]),
    ),
    table(
      ['forward', 'device', 'state', 'handshake', ''],
      forwards.map(({ device, gateway, state, latencyMs, hostKey, lastProof, unchecked: open, error, ...listener }) => [
        ...[`${printListener(listener)} on ${gateway}`, device, `${mark(state)} ${state}`],
        latencyMs === undefined ? '' : `${latencyMs} ms`,
        [
          ...(error ? [trouble(error)] : []),
          ...(state !== 'ok' && lastProof ? [`last proved ${lastProof}`] : []),
          ...(open ? [`unchecked: ${open}`] : []),
        ].join('\n') ||
          (hostKey ?? ''),
      ]),
    ),
    table(
      ['host', 'tried', '', ''],
      folded(proofs).map(({ host, what, state, error }) => [
        host,
        what,
        `${mark(state)} ${state}`,
        error ? trouble(error) : '',
      ]),
    ),
    table(
      ['host', 'unchecked'],
      unchecked.map(({ host, what }) => [host, what]),
    ),
    ...(report.lostShards ?? []).map((shard) => plain(`shard ${shard} has left no report`)),
    ...diffs(report),
  ]
    .filter((part) => part !== '')
    .map((part) => `${part}\n\n`)
    .join('')
}

const verdict = ({ exitCode }: Report) => (exitCode === 0 ? '✅' : exitCode === 4 ? '⚠️' : '❌')

const good = new Set(['ok', 'changed', 'holds'])
const open = new Set(['differs', 'untried'])
const mark = (word: string) => (good.has(word) ? '✅' : open.has(word) ? '⚠️' : '❌')

const trouble = ({ message, hint }: Trouble) => `${message.trimEnd()}${hint ? `\nhint: ${hint}` : ''}`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map((cells) => line(cells.map(plain)))].join('\n')
}

function* diffs({ hosts }: Report): Generator<string> {
  let room = roomForDiffs
  for (const { name, changes } of hosts) {
    for (const { resource, summary, diff } of changes) {
      if (!diff) continue
      const text = html(clean(diff).trimEnd())
      room -= Buffer.byteLength(text)
      if (room < 0) return
      yield `<details><summary>${html(clean(`${name}: ${resource}: ${summary}`))}</summary>\n\n<pre>${text}</pre>\n\n</details>`
    }
  }
}

/**
 * Text that Markdown takes for text and nothing else: no markup, no link, no mention. Its lines stay lines, within a
 * cell.
 */
function plain(text: string): string {
  return clean(text)
    .trimEnd()
    .replaceAll(
      /[^\p{L}\p{M}\p{N}\p{S}\p{Z}\n,;./?'"%-]|[|<>`~^$+=]|(?<=www)\./giu,
      (char) => `&#${char.codePointAt(0)};`,
    )
    .replaceAll('\n', '<br>')
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
