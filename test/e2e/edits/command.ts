import type { Report } from '../../../src/report/report.ts'
import type { Bench } from './bench.ts'

/** A `provision …` that has come to its end. */
export interface Run {
  readonly code: number
  /** Where one was printed. */
  readonly report?: Report
  /** What was said to a person, and with `--json` to a program. */
  readonly text: string
  /** In two words: `host-a rejected`. */
  readonly outcome: string
}

const reporting = /^(\/|apply$|undo$|remove$|rotate$|verify$)/

export async function run(bench: Bench, words: readonly string[], from: 'lan' | 'guest'): Promise<Run> {
  const json = reporting.test(words[0] ?? '') ? ['--json', '--timeout', '4'] : []
  const { code, stdout, stderr } = await bench.provision([...words, ...json], { from })
  const report = stdout.startsWith('{') ? (JSON.parse(stdout) as Report) : undefined
  const bad = report?.hosts.filter(({ outcome }) => !['ok', 'changed'].includes(outcome)) ?? []
  const outcome = bad.map(({ name, outcome: end }) => `${name.split('.')[0]} ${end}`).join(', ')
  const forwards = report?.forwards.filter(({ state }) => state !== 'ok') ?? []
  const dark = forwards.map(({ port, state }) => `${port} ${state}`).join(', ')
  return {
    code,
    ...(report && { report }),
    text: `${stderr}\n${report ? told(report) : stdout}`,
    outcome: outcome || dark || `exit code ${code}`,
  }
}

/** What a report says to people beyond its plan: errors, hints, and what is left to say. */
function told({ hosts, forwards, pending = [], others = [] }: Report): string {
  const troubles = [
    ...hosts.map((host) => ({ ...host, what: host.outcome })),
    ...forwards.map((forward) => ({
      ...forward,
      name: `${forward.bindAddress}:${forward.port} of ${forward.device}`,
      what: forward.state,
    })),
  ]
  const lines = troubles.map(
    ({ name, what, error }) =>
      `${name} ${what}${error ? `: ${error.message}` : ''}${error?.hint === undefined ? '' : `\n  hint: ${error.hint}`}`,
  )
  return [...lines, ...pending, ...others.map((other) => `not in this inventory: ${other}`)].join('\n')
}

/** The command that a hint names for this file, in backquotes or behind a colon; without the `provision` in front. */
export function commandIn({ text }: Pick<Run, 'text'>, file: string): string[] | undefined {
  const lines = text.split('\n').filter((line) => line.includes('hint:'))
  const found = lines.map((line) => /(?:`|: )provision (?!help )([^`;]+?)\s*(?:[`;]|$)/.exec(line))
  const words = found.find((match) => match !== null)?.[1]
  const unquoted = words?.match(/'[^']*'|"[^"]*"|\S+/g)?.map((word) => word.replaceAll(/^['"]|['"]$/g, ''))
  // A resource does not know how the file is called.
  return unquoted?.map((word) => (word === 'INVENTORY' ? file : word))
}
