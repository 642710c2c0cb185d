import type * as File from '../file.ts'
import { list, suggest } from '../messages.ts'
import type { Alert, AlertWay, SecretPlace, WatchSettings } from '../model.ts'
import type { Building } from './building.ts'
import { keptAt } from './kept.ts'
import type { Path } from './problems.ts'
import type { DeepPartial } from './shape.ts'

type Wanted = DeepPartial<File.Alert>

/** The key that names a target, and the keys that only such a target has. */
const ways = {
  webhook: ['secret'],
  ntfy: ['token'],
  chat: [],
  mail: ['from', 'smtp'],
  exec: [],
} as const satisfies Record<string, readonly (keyof File.Alert)[]>
const kinds = Object.keys(ways) as (keyof typeof ways)[]

/** What is wrong with a target stays out. */
export function buildAlerts(
  alerts: DeepPartial<readonly File.Alert[]>,
  { groups }: DeepPartial<File.InventoryFile>,
  building: Building,
): Alert[] {
  return alerts.flatMap((wanted, index) => {
    if (wanted === undefined) return []
    const path: Path = ['alerts', index]
    const way = buildWay(wanted, path, building)
    checkGroups(wanted.groups ?? [], Object.keys(groups ?? {}), [...path, 'groups'], building)
    const quiet = buildQuiet(wanted.quiet, [...path, 'quiet'], building)
    const only = wanted.groups?.filter((name) => name !== undefined)
    return way ? [{ ...way, ...(only && { groups: only }), ...(quiet && { quiet }) }] : []
  })
}

export function buildWatch(
  wanted: DeepPartial<File.Watch> | undefined,
  path: Path,
  building: Building,
): WatchSettings | undefined {
  if (wanted === undefined) return undefined
  const { after, keepMonths, keys, heartbeat } = wanted
  const url = heartbeat === undefined ? undefined : keptAt(heartbeat, 'the URL', [...path, 'heartbeat'], building)
  return {
    ...(after !== undefined && { after }),
    ...(keepMonths !== undefined && { keepMonths }),
    ...(keys && { keys: keys.filter((key) => key !== undefined) }),
    ...(url && { heartbeat: url }),
  }
}

function buildWay(wanted: Wanted, path: Path, building: Building): AlertWay | undefined {
  const { problems } = building
  // What is of the wrong shape was told already.
  const named = kinds.filter((kind) => kind in wanted)
  const [kind] = named
  if (kind === undefined || named.length > 1) {
    const words = list(
      kinds.map((word) => `"${word}"`),
      'or',
    )
    problems.add(
      path,
      kind === undefined ? `names no target: add ${words}` : `names several targets: write one for each`,
    )
    return undefined
  }
  if (wanted[kind] === undefined) return undefined
  for (const key of kinds.flatMap((other) => (other === kind ? [] : ways[other])))
    if (wanted[key] !== undefined) problems.add([...path, key], `belongs to another target than "${kind}": remove it`)
  const kept = (
    key: 'webhook' | 'secret' | 'ntfy' | 'token' | 'chat' | 'smtp',
    what: string,
  ): SecretPlace | undefined => {
    const text = wanted[key]
    return text === undefined ? undefined : keptAt(text, what, [...path, key], building)
  }
  if (kind === 'exec') return { kind, argv: wanted.exec?.filter((word) => word !== undefined) ?? [] }
  if (kind === 'mail') {
    const { mail: to = '', from } = wanted
    for (const key of ['mail', 'from'] as const)
      if (wanted[key] !== undefined && !/^[^\s@<>]+@[^\s@<>]+$/.test(wanted[key]?.split(/,\s*/)[0] ?? ''))
        problems.add([...path, key], 'is not a mail address: write one such as "ops@example.org"')
    const smtp = kept('smtp', 'the server')
    return { kind, to, ...(from !== undefined && { from }), ...(smtp && { smtp }) }
  }
  const url = kept(kind, 'the URL')
  if (!url) return undefined
  if (kind === 'chat') return { kind, url }
  const [secret, token] = [kept('secret', 'the secret'), kept('token', 'the token')]
  return kind === 'webhook' ? { kind, url, ...(secret && { secret }) } : { kind, url, ...(token && { token }) }
}

function checkGroups(
  wanted: readonly (string | undefined)[],
  known: readonly string[],
  path: Path,
  { problems }: Building,
): void {
  for (const [index, name] of wanted.entries()) {
    if (name === undefined || known.includes(name)) continue
    problems.add([...path, index], `there is no such group${suggest(name, known, `the groups are ${list(known)}`)}`)
  }
}

function buildQuiet(text: string | undefined, path: Path, { problems }: Building): Alert['quiet'] {
  if (text === undefined) return undefined
  const [, ...parts] = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text) ?? []
  const [fromHour = 24, fromMinute = 0, hour = 24, minute = 0] = parts.map(Number)
  const [from, until] = [fromHour * 60 + fromMinute, hour * 60 + minute]
  if (fromHour < 24 && hour < 24 && fromMinute < 60 && minute < 60 && from !== until) return { from, until }
  problems.add(path, 'is not a part of a day: write when it begins and ends, such as "22:00-07:00"')
  return undefined
}
