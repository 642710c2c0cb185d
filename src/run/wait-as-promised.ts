import { ProvisionError } from '../errors.ts'
import { type ForwardReport, isSameForward, type RecoveryReport } from '../report/report.ts'
import type { Run } from './context.ts'
import { dropSession, hasFailed, type Member } from './fleet.ts'
import { askHost, type LookContext, lookAgain } from './look.ts'
import { preview } from './preview.ts'
import { isUnreachable, mergeForwards, type ProveAgain, slowerAndSlower, waitedFor, waitingSentence } from './wait.ts'

export type WaitingAsPromised = LookContext & Pick<Run, 'command' | 'now' | 'wait' | 'signal'>

/**
 * The forwards at the end of a run that may change: who is not there yet is not called dead before the seconds are over
 * that the plan itself has promised, counted from the last change. `first`: how they were found then; called when that
 * was done. A verify without `--wait` asks how things are now, and waits for nothing.
 *
 * Waited for is also a device that had nothing to change: its gateway may just have been mended, or the run before this
 * one was cut short. Only a device that does not answer at all, and that nothing was done for, is not: it would cost
 * every run of a fleet so many seconds that one of its devices is off.
 */
export async function waitAsPromised(
  first: readonly ForwardReport[] | Promise<readonly ForwardReport[]>,
  /** What the plan has printed; a forward without a promise is not waited for. */
  recoveries: readonly RecoveryReport[],
  again: ProveAgain,
  run: WaitingAsPromised,
): Promise<ForwardReport[]> {
  const since = run.now()
  const found = await first
  if (run.command !== 'apply') return [...found]
  let reports = [...found]
  // When the newest look began: a forward had its time if that was after the promise was over.
  let looked = since
  const over = (report: ForwardReport) => since + promisedMs(report, recoveries)
  const missing = () => reports.filter((report) => over(report) > looked && mayCome(report, run))
  await slowerAndSlower(
    {
      left() {
        const last = Math.max(0, ...missing().map(over))
        return last === 0 ? 0 : Math.max(1, last - run.now())
      },
      begin() {
        const names = missing().map(({ device }) => device)
        run.progress.note(waitingSentence(names, Math.max(...missing().map(over)) - since))
      },
      async look() {
        const now = missing()
        looked = run.now()
        const cut = now.flatMap((report) => (report.cut ? report.gateway : []))
        await Promise.all([...new Set(cut)].map((name) => connectAgain(name, run)))
        reports = mergeForwards(reports, waitedFor(now, await again(now), run.now() - since))
      },
    },
    run,
  )
  if (!run.signal.aborted) await lookAtThoseBack(reports, run)
  return reports
}

/**
 * A tunnel that is not there is being dialled; one that hangs, or of which nothing is known, has first to be given up.
 */
function promisedMs(report: ForwardReport, recoveries: readonly RecoveryReport[]): number {
  const promise = recoveries.find((one) => isSameForward(one, report))
  if (!promise) return 0
  const { powerCut, silentLink } = promise
  const isDialled = report.state === 'no-tunnel' || report.state === 'device-sshd-down'
  return 1000 * (isDialled ? powerCut : Math.max(powerCut, silentLink))
}

function mayCome(report: ForwardReport, { fleet: { members } }: Pick<Run, 'fleet'>): boolean {
  const { state, cut, device, gateway } = report
  if (state === 'ok' || state === 'wrong-device') return false
  const [there, through] = [members.get(device), members.get(gateway)]
  // A gateway that was never there in this run is nothing that this run waits for.
  if (state === 'unverified') return cut === true && through !== undefined && !hasFailed(through)
  return there?.end?.outcome !== 'unreachable' || [there, through].some(wasTouched)
}

function wasTouched(member: Member | undefined): boolean {
  const outcome = member?.end?.outcome
  return (member?.changes.length ?? 0) > 0 || outcome === 'undone' || outcome === 'unknown'
}

/** A session that was cut stays so, and every proof would go through it. */
async function connectAgain(name: string, run: LookContext): Promise<void> {
  const member = run.fleet.members.get(name)
  if (!member) return
  dropSession(member)
  try {
    await askHost(member, undefined, run)
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error
  }
}

/** Devices that were out of reach for want of the very tunnels that are there now: what they lack, a next run does. */
async function lookAtThoseBack(reports: readonly ForwardReport[], run: LookContext): Promise<void> {
  const isBack = ({ host }: Member) =>
    reports.some(({ device, state, waited }) => device === host.name && state === 'ok' && waited !== undefined)
  const back = [...run.fleet.members.values()].filter((member) => isUnreachable(member) && isBack(member))
  await Promise.all(
    back.map(async (member) => {
      await lookAgain(member, run)
      if (!member.end) run.end(member, preview(member, run.fleet).changes.length > 0 ? 'differs' : 'ok')
    }),
  )
}
