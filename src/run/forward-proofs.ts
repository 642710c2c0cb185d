import type { Forward } from '../inventory/model.ts'
import { type ForwardReport, isSameForward, type RecoveryReport } from '../report/report.ts'
import type { Run } from './context.ts'
import { lookAgain } from './look.ts'
import { forwardsOfSameTunnels, proveWithinLimit } from './prove.ts'
import { readmit } from './readmit.ts'
import { mergeForwards, waitFor } from './wait.ts'
import { waitAsPromised } from './wait-as-promised.ts'

/**
 * Which forwards of a run reach their device: proved while hosts are looked at, and again where something has changed
 * since.
 */
export interface ForwardProofs {
  /**
   * Devices that come back with a fresh card are known again, looked at, and proved. With `--wait`, what is not there
   * yet is waited for.
   */
  readmitAndWait(): Promise<void>
  /** The forwards of this device are proved from now on: nothing of it or of its gateways is to change any more. */
  begin(device: string): void
  /** This host changes all the same: what was begun of its forwards tells nothing. */
  forget(host: string): void
  /** How it is at the end. `changed`: what was proved before the changes tells nothing now. */
  atTheEnd(how: { readonly changed: boolean; readonly recoveries: readonly RecoveryReport[] }): Promise<ForwardReport[]>
}

/** Begins to prove at once: what this shows stands when nothing has to change. A check proves nothing. */
export function forwardProofs(wanted: readonly Forward[], run: Run): ForwardProofs {
  const proves = run.command !== 'check'
  let known: Promise<readonly ForwardReport[]> = proves ? proveWithinLimit(wanted, run) : Promise.resolve([])
  const readmission = readmit(run)
  /** Proved ahead, with the device and the gateways that these proofs are about. */
  const begun: {
    readonly hosts: ReadonlySet<string>
    readonly reports: Promise<readonly ForwardReport[]>
    stands: boolean
  }[] = []

  /** The forwards of devices that have come back since. */
  async function returned(): Promise<readonly Forward[]> {
    const names = await readmission.readmitReturned()
    const out = [...run.fleet.members.values()].filter(({ host, failure }) => failure && names.includes(host.name))
    await Promise.all(out.map((member) => lookAgain(member, run)))
    return wanted.filter(({ device }) => names.includes(device))
  }

  async function proveToo(reports: readonly ForwardReport[], more: readonly Forward[]): Promise<ForwardReport[]> {
    return more.length === 0 ? [...reports] : mergeForwards(reports, await proveWithinLimit(more, run))
  }

  async function proveAgain(some: readonly ForwardReport[]): Promise<ForwardReport[]> {
    const reports = await proveWithinLimit(forwardsOfSameTunnels(wanted, some), run)
    return proveToo(reports, await returned())
  }

  /** After all changes: what was begun and came out well stands. */
  async function latest(): Promise<ForwardReport[]> {
    const early = await Promise.all(begun.filter(({ stands }) => stands).map(({ reports }) => reports))
    const good = early.flat().filter(({ state, device }) => state === 'ok' && !run.fleet.seen.failed(device))
    const found = (forward: Forward, reports: readonly ForwardReport[]) =>
      reports.find((report) => isSameForward(report, forward))
    const rest = await proveWithinLimit(
      wanted.filter((forward) => !found(forward, good)),
      run,
    )
    return wanted.flatMap((forward) => found(forward, good) ?? found(forward, rest) ?? [])
  }

  return {
    begin(device) {
      const own = wanted.filter((forward) => forward.device === device)
      const hosts = new Set([device, ...own.map(({ gateway }) => gateway)])
      if (own.length > 0) begun.push({ hosts, reports: proveWithinLimit(own, run), stands: true })
    },
    forget(host) {
      for (const one of begun) if (one.hosts.has(host)) one.stands = false
    },
    async readmitAndWait() {
      const back = await returned()
      if (proves) known = known.then((reports) => proveToo(reports, back))
      if (run.waitMs === undefined) return
      const waited = await waitFor(await known, proveAgain, run)
      known = Promise.resolve(await readmission.withEnrolmentHints(waited))
    },
    async atTheEnd({ changed, recoveries }) {
      const before = await known
      const reports = changed && !run.signal.aborted ? latest() : before
      return waitAsPromised(reports, recoveries, proveAgain, run)
    },
  }
}
