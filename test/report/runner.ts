/**
 * What GitHub's runner makes of a line of a log, by the rules of its `ActionCommand`: a command at the beginning of a line
 * (`::name k=v,k=v::data`, spaces before it or not) or anywhere in it (`##[name k=v;k=v]data`), where it knows the name.
 */
export interface Command {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly data: string
}

const known = new Set(
  [
    'add-mask',
    'add-matcher',
    'add-path',
    'debug',
    'echo',
    'endgroup',
    'error',
    'group',
    'notice',
    'remove-matcher',
  ].concat(...[['save-state', 'set-env', 'set-output', 'stop-commands', 'warning']]),
)

/** Every command in a log, as lines are read by .NET: a carriage return ends one, too. */
export function commandsIn(log: string): Command[] {
  return log.split(/\r\n|\r|\n/).flatMap((line) => modern(line) ?? old(line) ?? [])
}

function modern(line: string): Command | undefined {
  const trimmed = line.replace(/^[\s\x85]+/, '')
  const end = trimmed.indexOf('::', 2)
  if (!trimmed.startsWith('::') || end < 0) return undefined
  const [name, properties] = split(trimmed.slice(2, end), ',')
  if (!known.has(name.toLowerCase())) return undefined
  const data = decoded(trimmed.slice(end + 2), [])
  return {
    name,
    properties: mapped(properties, [
      [':', '%3A'],
      [',', '%2C'],
    ]),
    data,
  }
}

function old(line: string): Command | undefined {
  const start = line.indexOf('##[')
  const end = line.indexOf(']', start)
  if (start < 0 || end < 0) return undefined
  const [name, properties] = split(line.slice(start + 3, end), ';')
  if (!known.has(name.toLowerCase())) return undefined
  return { name, properties: mapped(properties, []), data: line.slice(end + 1) }
}

function split(info: string, between: string): [string, string[]] {
  const space = info.indexOf(' ')
  if (space < 0) return [info, []]
  return [
    info.slice(0, space),
    info
      .slice(space + 1)
      .trim()
      .split(between),
  ]
}

const mapped = (properties: readonly string[], more: readonly (readonly [string, string])[]) =>
  Object.fromEntries(
    properties.map((property) => {
      const [key = '', ...value] = property.split('=')
      return [key, decoded(value.join('='), more)]
    }),
  )

/** In the runner's own order: the percent sign last. */
function decoded(text: string, more: readonly (readonly [string, string])[]): string {
  const all = [['\r', '%0D'] as const, ['\n', '%0A'] as const, ...more, ['%', '%25'] as const]
  return all.reduce((now, [token, written]) => now.replaceAll(written, token), text)
}
