import { clean } from '../inert.ts'
import { type Paint, painter } from '../terminal/paint.ts'
import type { ForwardStatus, GatewayStatus, StatusReport } from './status.ts'
import { age, place, promise, proved, runs, summary, troubles, worstFirst } from './words.ts'

/**
 * How a status reads: a line for each gateway, a table with the worst first, and below whatever is not ok what was seen
 * and what to do now. Colour only repeats what the word says. Where the terminal is narrow, columns go from the right.
 */
export interface StatusTextOptions {
  readonly color: boolean
  /** Characters of a line. */
  readonly columns: number
}

export function printStatus(report: StatusReport, options: StatusTextOptions): string {
  const paint = painter(options.color)
  const forwards = worstFirst(report.forwards)
  const rows = forwards.map((forward) => columns.map(({ cell }) => cell(forward, report)))
  const shown = fitting([columns.map(({ head }) => head), ...rows], options.columns)
  const line = (cells: readonly string[]) => shown.map(({ at, width }) => (cells[at] ?? '').padEnd(width)).join('  ')
  const width = Math.max(0, ...report.gateways.map(({ name }) => name.length))
  const text = [
    ...report.gateways.flatMap((gateway) => gatewayLines(gateway, { report, width, paint })),
    ...(forwards.length > 0 ? [paint('dim', line(columns.map(({ head }) => head)).trimEnd())] : []),
    ...forwards.flatMap((forward, index) => [
      colored(line(rows[index] ?? []).trimEnd(), forward, paint),
      ...troubles(forward, report).map((words) => `  ${paint('red', words)}`),
      ...(forward.next ? [`  next: ${clean(forward.next)}`] : []),
    ]),
    ...(report.without.length > 0 ? [`without a forward: ${report.without.join(', ')}`] : []),
    `${summary(report)}, ${report.seconds.toFixed(1)} s`,
  ]
  return `${text.join('\n')}\n`
}

interface Column {
  readonly head: string
  readonly cell: (forward: ForwardStatus, report: StatusReport) => string
}

/** The most needed ones first. */
const columns: readonly Column[] = [
  { head: 'DEVICE', cell: ({ device }) => device },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'SINCE', cell: ({ since }, report) => age(since, report) ?? '-' },
  { head: 'PROVED', cell: (forward, report) => proved(forward, report) ?? '-' },
  { head: 'PORT', cell: place },
  { head: 'FROM', cell: ({ session }) => clean(session?.from ?? '-') },
  // After a power cut, and after a silent link.
  { head: 'BACK WITHIN', cell: (forward) => promise(forward) ?? '-' },
  { head: 'RUNS ON', cell: ({ runsOn }) => runs(runsOn) },
]

/** The columns that have room, at least those up to SINCE; the last one may be cut. */
function fitting(rows: readonly (readonly string[])[], room: number): { at: number; width: number }[] {
  const shown: { at: number; width: number }[] = []
  let left = room
  for (const at of columns.keys()) {
    const width = Math.max(...rows.map((row) => row[at]?.length ?? 0))
    if (shown.length >= 3 && width > left) break
    shown.push({ at, width })
    left -= width + 2
  }
  return shown
}

/** The state comes after the name of the device, which may contain the same word. */
function colored(line: string, { device, state }: ForwardStatus, paint: Paint): string {
  const at = line.indexOf(state, device.length)
  return line.slice(0, at) + paint(state === 'ok' ? 'green' : 'red', state) + line.slice(at + state.length)
}

interface GatewayLine {
  readonly report: StatusReport
  readonly width: number
  readonly paint: Paint
}

function gatewayLines(gateway: GatewayStatus, { report, width, paint }: GatewayLine): string[] {
  const { name, state, since, runsOn, error } = gateway
  const up = age(since, report)
  const style = { ok: 'green', unread: 'yellow', unreachable: 'red' } as const
  const rest = [runs(runsOn), ...(up ? [`up ${up}`] : [])].filter(Boolean).join(', ')
  return [
    `${name.padEnd(width)}  ${paint(style[state], state)}  ${rest}`.trimEnd(),
    ...(error ? [`  ${paint('red', clean(error.message))}`] : []),
    ...(error?.hint ? [`  hint: ${clean(error.hint)}`] : []),
  ]
}
