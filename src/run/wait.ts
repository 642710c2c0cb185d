import { ConnectError, RemoteError } from '../errors.ts'
import { type ForwardReport, isSameForward } from '../report/report.ts'
import type { Run } from './context.ts'
import { type Fleet, hasFailed, type Member } from './fleet.ts'
import { type LookContext, lookAgain } from './look.ts'
import { preview } from './preview.ts'

/** Every look is a login at somebody's sshd, which counts those that fail against the whole network they come from. */
const firstPauseMs = 2_000
const longestPauseMs = 15_000

/** What waiting needs of its run. */
export type Waiting = LookContext & Pick<Run, 'waitMs' | 'now' | 'wait' | 'signal'>

/** Proves these and, since one forward may show that the tunnel of another lives, all others of the same tunnels. */
export type ProveAgain = (reports: readonly ForwardReport[]) => Promise<ForwardReport[]>

/** What is waited for, and how somebody looks whether it is there. */
export interface Awaited {
  /** Ms for which something is still waited for; 0: nothing is, or its time is over. */
  readonly left: () => number
  /** Before the first pause: that we wait, and for whom. */
  readonly begin: () => void
  readonly look: () => Promise<void>
}

/**
 * Looks again and again, slower and slower, and ends with the time, with what was waited for, or with Ctrl-C. Says
 * whether it had to wait.
 */
export async function slowerAndSlower(
  { left, begin, look }: Awaited,
  { wait, signal }: Pick<Run, 'wait' | 'signal'>,
): Promise<boolean> {
  let waited = false
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 1.5, longestPauseMs)) {
    const most = left()
    if (most <= 0 || signal.aborted) return waited
    if (!waited) begin()
    waited = true
    await wait(Math.min(pause, most), signal)
    if (signal.aborted) return waited
    await look()
  }
}

/**
 * `--wait`: looks again at what may come by itself and at nothing else, until it is there or the time is over. A device
 * whose tunnel is waited for is not asked meanwhile. In the end everything that was not as wanted is looked at once
 * more, so that the report is of one moment.
 */
export async function waitFor(
  first: readonly ForwardReport[],
  again: ProveAgain,
  run: Waiting,
): Promise<ForwardReport[]> {
  const { waitMs = 0, fleet } = run
  const members = [...fleet.members.values()]
  const began = run.now()
  let reports = [...first]
  const awaited = () => ({
    missing: reports.filter((report) => mayCome(report, fleet)),
    away: members.filter(isUnreachable),
  })
  const waited = await slowerAndSlower(
    {
      left() {
        const { missing, away } = awaited()
        return missing.length + away.length === 0 ? 0 : began + waitMs - run.now()
      },
      begin() {
        const { missing, away } = awaited()
        const names = [...missing.map(({ device }) => device), ...away.map(({ host }) => host.name)]
        run.progress.note(waitingSentence(names, waitMs))
      },
      async look() {
        const { missing, away } = awaited()
        // A gateway first of all: its login is what the proofs go through.
        const asked = members.filter(
          named(missing.flatMap(({ state, gateway }) => (state === 'unverified' ? gateway : []))),
        )
        const behind = named(missing.map(({ device }) => device))
        const now = [...asked, ...away.filter((member) => !asked.includes(member) && !behind(member))]
        const looks = now.map((member) => lookAgain(member, run))
        reports = mergeForwards(reports, waitedFor(missing, await again(missing), run.now() - began))
        const still = named(reports.flatMap((report) => (mayCome(report, fleet) ? report.device : [])))
        const back = away.filter((member) => !now.includes(member) && !still(member))
        await Promise.all([...looks, ...back.map((member) => lookAgain(member, run))])
      },
    },
    run,
  )
  if (waited && !run.signal.aborted) {
    const late = members.filter((member) => isUnreachable(member) || differs(member, run))
    await Promise.all(late.map((member) => lookAgain(member, run)))
  }
  return reports
}

const named = (names: readonly string[]) => (member: Member) => names.includes(member.host.name)

/**
 * Another device behind the port, and a login that was refused after the host key was proved, stay as they are. So does
 * what a gateway that refuses us hides; one outside the limit is not asked a second time, since nobody knows why it was
 * not there.
 */
function mayCome({ state, hostKey, gateway }: ForwardReport, { members }: Fleet): boolean {
  if (state !== 'unverified') return state !== 'ok' && state !== 'wrong-device'
  const through = members.get(gateway)
  return hostKey === undefined && through !== undefined && (isUnreachable(through) || !hasFailed(through))
}

/** A refusal is an answer; only silence and lost connections may be different next time. */
export function isUnreachable({ end, failure }: Member): boolean {
  if (end?.outcome !== 'unreachable') return false
  if (failure instanceof ConnectError) return failure.kind === 'unreachable'
  return failure instanceof RemoteError && (failure.kind === 'lost' || failure.kind === 'timeout')
}

function differs(member: Member, { fleet }: Pick<Run, 'fleet'>): boolean {
  return !hasFailed(member) && preview(member, fleet).changes.length > 0
}

export function mergeForwards(before: readonly ForwardReport[], after: readonly ForwardReport[]): ForwardReport[] {
  return before.map((report) => after.find((later) => isSameForward(report, later)) ?? report)
}

/** Those of the later reports that were waited for say so, and for how long. */
export function waitedFor(
  missing: readonly ForwardReport[],
  later: readonly ForwardReport[],
  ms: number,
): ForwardReport[] {
  const waited = Math.round(ms / 100) / 10
  return later.map((report) => (missing.some((one) => isSameForward(one, report)) ? { ...report, waited } : report))
}

export function waitingSentence(names: readonly string[], ms: number): string {
  return `waiting up to ${Math.ceil(ms / 1000)} s for ${[...new Set(names)].join(', ')}`
}
