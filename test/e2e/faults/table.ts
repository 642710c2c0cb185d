import type { Row } from './measure.ts'

export interface Judged extends Row {
  readonly round: number
  /** Seconds within which it had to be back. */
  readonly limit: number
}

/** Rows as people read them: one line for each fault, suite and listener, the rounds beside each other. */
export function tableOf(rows: readonly Judged[]): string {
  const groups = new Map<string, Judged[]>()
  for (const row of rows) {
    const name = `${row.fault} | ${row.suite} | ${row.listener} | ${row.limit}`
    groups.set(name, [...(groups.get(name) ?? []), row])
  }
  const lines = [...groups].map(([name, group]) => {
    const times = group.map(({ seconds }) => (seconds === undefined ? 'never' : seconds.toFixed(1)))
    return `| ${name} | ${times.join(' · ')} |`
  })
  return ['| fault | suite | listener | limit | seconds |', '|---|---|---|---|---|', ...lines, ''].join('\n')
}
