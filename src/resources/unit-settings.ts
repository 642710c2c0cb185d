/**
 * The settings of a unit that a tunnel relies on, and when another value of one is a difference. What only shuts a unit
 * in more or less is not among them: containers switch such settings off because they have to.
 */
export interface UnitSetting {
  readonly section: 'Unit' | 'Service' | 'Socket'
  /** What systemd takes where our unit says nothing. Absent: then we rely on nothing. */
  readonly usual?: readonly string[]
  /** systemd follows it as soon as it has read it: what runs need not be started anew. */
  readonly live?: true
  /** It gathers what is assigned; an empty assignment takes it back. */
  readonly list?: true
  readonly differs: (ours: readonly string[], now: readonly string[]) => boolean
}

const last = (values: readonly string[]) => plain(values.at(-1) ?? '')
const plain = (value: string) =>
  /^(1|true|on|y|t)$/i.test(value) ? 'yes' : /^(0|false|off|n|f)$/i.test(value) ? 'no' : value
const other: UnitSetting['differs'] = (ours, now) => last(ours) !== last(now)
const otherList: UnitSetting['differs'] = (ours, now) => ours.join('\n') !== now.join('\n')
const otherTime: UnitSetting['differs'] = (ours, now) => seconds(ours.at(-1)) !== seconds(now.at(-1))
const without: UnitSetting['differs'] = (ours, now) => ours.some((value) => !now.includes(value))
/** The promised recovery leaves room for this much more. */
const slackSeconds = 1
const slower: UnitSetting['differs'] = (ours, now) => !(seconds(now.at(-1)) <= seconds(ours.at(-1)) + slackSeconds)

export const unitSettings: ReadonlyMap<string, UnitSetting> = new Map<string, UnitSetting>([
  ['StartLimitIntervalSec', { section: 'Unit', live: true, differs: otherTime }],
  ['Type', { section: 'Service', differs: other }],
  ['ExecCondition', { section: 'Service', usual: [], list: true, differs: otherList }],
  ['ExecStart', { section: 'Service', list: true, differs: otherList }],
  ['ExecStopPost', { section: 'Service', list: true, differs: without }],
  ['Restart', { section: 'Service', live: true, differs: other }],
  ['RestartSec', { section: 'Service', live: true, differs: slower }],
  ['RestartPreventExitStatus', { section: 'Service', usual: [], live: true, list: true, differs: otherList }],
  ['TimeoutStartSec', { section: 'Service', live: true, differs: otherTime }],
  ['User', { section: 'Service', differs: other }],
  ['LoadCredential', { section: 'Service', list: true, differs: without }],
  ['RuntimeDirectory', { section: 'Service', list: true, differs: without }],
  ['RuntimeDirectoryPreserve', { section: 'Service', differs: other }],
  ['ListenStream', { section: 'Socket', list: true, differs: otherList }],
  ['ListenFIFO', { section: 'Socket', list: true, differs: otherList }],
  ['FreeBind', { section: 'Socket', differs: other }],
  ['BindIPv6Only', { section: 'Socket', differs: other }],
  ['TriggerLimitIntervalSec', { section: 'Socket', differs: otherTime }],
])

/** Names that systemd still knows. */
const formerNames: Readonly<Record<string, string>> = { StartLimitInterval: 'StartLimitIntervalSec' }

export const unitSettingNames = [...unitSettings.keys(), ...Object.keys(formerNames)]

export interface Assignment {
  readonly name: string
  readonly value: string
}

/** The assignments in lines of a unit file. */
export function assignments(text: string): Assignment[] {
  return text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, name = '', value = ''] = /^\s*([A-Z]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? []
      return name ? [{ name: formerNames[name] ?? name, value: value.replaceAll(/\s+/g, ' ') }] : []
    })
}

/** What a setting is after these assignments; an empty one takes back all before it. */
export function valuesOf(name: string, all: readonly Assignment[]): string[] {
  const values = all.filter((each) => each.name === name).map(({ value }) => value)
  return values.slice(values.lastIndexOf('') + 1)
}

const unitsOfTime: readonly (readonly [RegExp, number])[] = [
  [/^(us|usec|µs)$/, 1e-6],
  [/^(ms|msec)$/, 1e-3],
  [/^(m|min|minutes?)$/, 60],
  [/^(h|hr|hours?)$/, 3600],
  [/^(d|days?)$/, 86_400],
]

/** As systemd.time(7) reads a time span; NaN: none. */
function seconds(span = ''): number {
  if (span === 'infinity') return Number.POSITIVE_INFINITY
  const parts = [...span.matchAll(/([\d.]+)\s*([a-zµ]*)/g)]
  if (parts.length === 0) return Number.NaN
  return parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (unitsOfTime.find(([name]) => name.test(unit))?.[1] ?? 1),
    0,
  )
}
