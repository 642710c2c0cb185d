import { duration } from '../report/duration.ts'
import { clean } from '../report/inert.ts'
import { localTime } from '../report/local-time.ts'
import type { HistoryReport, HostHistory, OutageReport } from './history.ts'

/** How a history reads: a line for each host, those that were away longest first, and below it the outages. */
export function printHistory({ since, until, watchedSeconds, hosts, outages }: HistoryReport): string {
  const width = Math.max(0, ...hosts.map(({ name }) => name.length))
  const lines = [...hosts]
    .sort((a, b) => b.awaySeconds - a.awaySeconds)
    .flatMap((host) => [
      hostLine(host, width),
      ...outages.filter(({ name }) => name === host.name).map((outage) => `  ${outageLine(outage)}`),
    ])
  const watched = watchedSeconds > 0 ? `watched for ${duration(watchedSeconds)}` : 'nobody watched'
  return `${[...lines, `${minute(since)} to ${minute(until)}, ${watched}`].join('\n')}\n`
}

function hostLine({ name, availability, outages, awaySeconds, longestSeconds }: HostHistory, width: number): string {
  const share = availability === undefined ? '-' : percent(availability)
  const away = awaySeconds > 0 ? `, away for ${duration(awaySeconds)}, longest ${duration(longestSeconds)}` : ''
  return `${name.padEnd(width)}  ${share.padStart(8)}  ${outages} outage${outages === 1 ? '' : 's'}${away}`
}

function outageLine({ begin, plusMinusSeconds: off, end, seconds, condition, state, cause }: OutageReport): string {
  const length = end === undefined ? `${duration(seconds)} so far` : duration(seconds)
  const what = condition === 'down' ? state : condition
  const sure = off === undefined ? '' : ` ± ${duration(off)}`
  return clean(`${localTime(begin)}${sure}  ${length}  ${what ?? condition}${cause ? `: ${cause}` : ''}`)
    .trim()
    .replaceAll(/\s*\n\s*/g, ' / ')
}

/** Rounded down: what was away for a moment was not there all the time. */
export const percent = (share: number): string => `${(Math.floor(share * 100_000) / 1000).toFixed(3)} %`

const minute = (time: string) => localTime(time).slice(0, 16)

const columns = ['name', 'role', 'condition', 'begin', 'end', 'seconds', 'state', 'cause'] as const

/** The outages as RFC 4180 has it. No cell is a formula to a spreadsheet. */
export function printCsv({ outages }: HistoryReport): string {
  const rows = outages.map((outage) => columns.map((column) => cell(String(outage[column] ?? ''))))
  return [columns, ...rows].map((row) => `${row.join(',')}\r\n`).join('')
}

function cell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
