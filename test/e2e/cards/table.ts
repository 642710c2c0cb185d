import type { Row } from './bench.ts'
import { type Field, fates, nameOf } from './fields.ts'

/** One of them, while the others are still under way. */
export const lineOf = (row: Row) =>
  `${row.problems.length > 0 ? 'BAD' : 'ok '} ${nameOf(row)}: ${row.seconds.toFixed(1)} s ${row.problems[0]?.split('\n')[0] ?? ''}`

/** Rows as people read them: the seconds from power on to answering, a column for each fate. */
export function tableOf(rows: readonly Row[]): string {
  const kind = ({ format, login, custom }: Field) => [format, login, custom].join(' | ')
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const cell = (name: string, fate: string) => {
    const row = rows.find((each) => kind(each) === name && each.fate === fate)
    return row === undefined ? '' : row.problems.length > 0 ? '**bad**' : `${row.seconds.toFixed(0)} s`
  }
  return [
    line(['format', 'user', 'customised', ...fates]),
    `|${'---|'.repeat(3 + fates.length)}`,
    ...[...new Set(rows.map(kind))].map((name) => line([name, ...fates.map((fate) => cell(name, fate))])),
    '',
  ].join('\n')
}
