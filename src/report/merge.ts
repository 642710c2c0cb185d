import { exitCode, isSameForward, type Report } from './report.ts'

/**
 * Reports of parts of one run, as one of the whole. Where several reports have the same host, forward or proof, the
 * last one counts. Seconds are those of the longest, for the parts may have run beside each other.
 */
export function merge(first: Report, ...others: readonly Report[]): Report {
  const reports = [first, ...others]
  const { version, command, inventory } = first
  const all = <T>(of: (report: Report) => readonly T[] | undefined, same: (one: T, other: T) => boolean) =>
    latest(
      reports.flatMap((report) => of(report) ?? []),
      same,
    )
  const hosts = all(({ hosts }) => hosts, sameBy('name'))
  const forwards = all(({ forwards }) => forwards, isSameForward)
  const proofs = all(({ proofs }) => proofs, sameBy('host', 'what'))
  const away = all(({ away }) => away, sameBy('device'))
  const unchecked = all(({ unchecked }) => unchecked, sameBy('host', 'what'))
  const pending = [...new Set(reports.flatMap(({ pending = [] }) => pending))]
  const there = new Set(reports.map(({ shard }) => shard && `${shard.index}/${shard.count}`))
  const lost = [...new Set(reports.flatMap(({ lostShards = [] }) => lostShards))].filter((each) => !there.has(each))
  const leftAlone = [...new Set(reports.flatMap((report) => report.others ?? []))]
  const sum = (count: 'connections' | 'execs') => reports.reduce((total, { wire }) => total + wire[count], 0)
  return {
    version,
    command,
    inventory,
    seconds: Math.max(...reports.map(({ seconds }) => seconds)),
    exitCode: exitCode(
      hosts,
      [...forwards, ...proofs],
      reports.some((report) => report.exitCode === 130),
    ),
    hosts,
    forwards,
    recoveries: all(({ recoveries }) => recoveries, isSameForward),
    ...(away.length > 0 && { away }),
    ...(proofs.length > 0 && { proofs }),
    ...(unchecked.length > 0 && { unchecked }),
    ...(pending.length > 0 && { pending }),
    ...(leftAlone.length > 0 && { others: leftAlone }),
    ...(lost.length > 0 && { lostShards: lost }),
    wire: { connections: sum('connections'), execs: sum('execs') },
  }
}

/**
 * A run that went on where an earlier one was interrupted: what the earlier one did is part of it, what it cost is not.
 */
export function continued(earlier: Report, report: Report): Report {
  const { pending: _, lostShards: __, ...done } = earlier
  const free = { seconds: 0, exitCode: 0, wire: { connections: 0, execs: 0 } }
  return merge({ ...done, ...free }, report)
}

const sameBy =
  <T>(...keys: readonly (keyof T)[]) =>
  (one: T, other: T) =>
    keys.every((key) => one[key] === other[key])

/** Each once, where it stood first. */
function latest<T>(all: readonly T[], same: (one: T, other: T) => boolean): T[] {
  const found: T[] = []
  for (const one of all) {
    const at = found.findIndex((other) => same(one, other))
    if (at === -1) found.push(one)
    else found[at] = one
  }
  return found
}
