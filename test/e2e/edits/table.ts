import type { Row } from './trial.ts'

/** One of them, while the others are still under way. */
export function lineOf({ edit, column, listener, what, seconds, problems }: Row): string {
  const [first = ''] = problems.slice(problems.length > 1 ? 1 : 0)
  return `${problems.length > 0 ? 'BAD' : 'ok '} ${listener}, ${column}: ${edit}: ${what}, ${seconds.toFixed(1)} s ${first.split('\n')[0]}`
}

/** Rows as people read them: one line for each edit, its columns beside each other. */
export function tableOf(rows: readonly Row[]): string {
  const columns = [...new Set(rows.map(({ column, listener }) => `${column} (${listener})`))].sort()
  const names = [...new Set(rows.map(({ edit }) => edit))]
  const cell = (edit: string, name: string) => {
    const row = rows.find((each) => each.edit === edit && `${each.column} (${each.listener})` === name)
    if (!row) return ''
    return `${row.problems.length > 0 ? '**' : ''}${row.what}${row.problems.length > 0 ? '**' : ''}, ${row.seconds.toFixed(1)} s`
  }
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(['edit', ...columns]),
    `|${'---|'.repeat(columns.length + 1)}`,
    ...names.map((edit) => line([edit, ...columns.map((name) => cell(edit, name))])),
    '',
  ].join('\n')
}
