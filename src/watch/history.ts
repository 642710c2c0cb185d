import { type Memory, type Outage, type Span, united } from './record/memory.ts'

/** The document that `history --json` prints. Times are ISO 8601. */
export interface HistoryReport {
  readonly version: 1
  readonly command: 'history'
  readonly inventory: string
  readonly since: string
  readonly until: string
  /** Seconds of that time in which somebody watched. */
  readonly watchedSeconds: number
  readonly hosts: readonly HostHistory[]
  /** The newest first. */
  readonly outages: readonly OutageReport[]
}

export interface HostHistory {
  readonly name: string
  readonly role: 'gateway' | 'device'
  /** Of the time in which somebody watched, the share in which it was not down; absent: nobody watched. */
  readonly availability?: number
  readonly outages: number
  readonly awaySeconds: number
  readonly longestSeconds: number
}

export interface OutageReport extends Omit<Outage, 'id' | 'says'> {
  /** So far, where it has not ended. */
  readonly seconds: number
}

export interface HistoryWish {
  readonly inventory: string
  readonly hosts: readonly Pick<HostHistory, 'name' | 'role'>[]
  /** Milliseconds. */
  readonly since: number
  readonly until: number
}

/** What the records say of this time. */
export function historyOf(memories: readonly Pick<Memory, 'outages' | 'watched'>[], wish: HistoryWish): HistoryReport {
  const { inventory, hosts, since, until } = wish
  const inWindow = (begin: string, end: string | undefined) =>
    Math.max(0, Math.min(until, end === undefined ? until : Date.parse(end)) - Math.max(since, Date.parse(begin))) /
    1000
  const watched = united(memories.flatMap((one) => one.watched))
  const watchedSeconds = sum(watched.map((span) => inWindow(span.from, span.until)))
  const all = outagesOf(memories).filter(({ begin, end }) => inWindow(begin, end) > 0 || end === undefined)
  const reports = all.map(({ id: _, says, ...outage }): OutageReport => {
    const cause = outage.cause ?? says
    const end = outage.end === undefined ? until : Date.parse(outage.end)
    return {
      ...outage,
      seconds: Math.round((end - Date.parse(outage.begin)) / 1000),
      ...(cause !== undefined && { cause }),
    }
  })
  return {
    ...{ version: 1, command: 'history', inventory, watchedSeconds: Math.round(watchedSeconds) },
    ...{ since: new Date(since).toISOString(), until: new Date(until).toISOString() },
    hosts: hosts.map(({ name, role }) => {
      const own = all.filter((outage) => outage.name === name)
      const down = own.filter(({ condition }) => condition === 'down')
      const away = sum(down.map((outage) => watchedPart(outage, watched, inWindow)))
      return {
        ...{ name, role, outages: own.length, awaySeconds: Math.round(away) },
        longestSeconds: Math.round(Math.max(0, ...down.map(({ begin, end }) => inWindow(begin, end)))),
        ...(watchedSeconds > 0 && { availability: 1 - away / watchedSeconds }),
      }
    }),
    outages: reports.sort((a, b) => b.begin.localeCompare(a.begin)),
  }
}

/** Those of several watchers: what overlaps was one outage, from the first who saw it to the last who saw its end. */
export function outagesOf(memories: readonly Pick<Memory, 'outages'>[]): Outage[] {
  const sorted = memories.flatMap(({ outages }) => [...outages.values()]).sort((a, b) => a.begin.localeCompare(b.begin))
  const merged: Outage[] = []
  for (const outage of sorted) {
    const at = merged.findIndex(
      ({ name, condition, end }) =>
        name === outage.name && condition === outage.condition && (end === undefined || end >= outage.begin),
    )
    const other = merged[at]
    if (other) merged[at] = one(other, outage)
    else merged.push(outage)
  }
  return merged
}

/** A watcher that ended before the outage did knows no end: then the other's counts. */
function one(first: Outage, second: Outage): Outage {
  const ends = [first.end, second.end].filter((end) => end !== undefined).sort()
  const end = ends.at(-1)
  const cause = first.cause ?? second.cause
  return { ...first, ...(end !== undefined && { end }), ...(cause !== undefined && { cause }) }
}

/** What nobody watched counts neither as up nor as down. */
function watchedPart(
  { begin, end }: Outage,
  watched: readonly Span[],
  inWindow: (begin: string, end: string | undefined) => number,
): number {
  return sum(
    watched.map(({ from, until }) => {
      const first = from > begin ? from : begin
      const last = end === undefined || end > until ? until : end
      return first < last ? inWindow(first, last) : 0
    }),
  )
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0)
