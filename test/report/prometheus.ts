export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Prometheus' text format 0.0.4, read strictly: what its own parser and its linter want of a gauge. @throws Error */
export function parseMetrics(text: string): Sample[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('no line end at the end')
  const helped = new Set<string>()
  const typed = new Set<string>()
  const seen = new Set<string>()
  return text.split('\n').flatMap((line) => {
    if (line === '') return []
    const help = /^# HELP ([a-z_]+) (.+)$/.exec(line)?.[1]
    const type = /^# TYPE ([a-z_]+) gauge$/.exec(line)?.[1]
    for (const [set, name] of [[helped, help] as const, [typed, type] as const]) {
      if (name !== undefined && set.has(name)) throw new Error(`twice: ${line}`)
      if (name !== undefined) set.add(name)
    }
    if (help !== undefined || type !== undefined) return []
    const [, name = '', inner = '', value = ''] =
      /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\[\\"n])*",?)*)\})? (-?[0-9.e+-]+)$/.exec(line) ?? []
    if (name === '' || inner.endsWith(',')) throw new Error(`no sample: ${line}`)
    if (!typed.has(name) || !helped.has(name)) throw new Error(`no TYPE or HELP before it: ${line}`)
    const key = `${name}{${inner}}`
    if (seen.has(key)) throw new Error(`twice: ${key}`)
    seen.add(key)
    const labels = [...inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', raw = '']) => [
      label,
      raw.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char)),
    ])
    return [{ name, labels: Object.fromEntries(labels), value: Number(value) }]
  })
}
