import type { Forward } from '../inventory/model.ts'
import type { ForwardReport, RecoveryReport } from '../report/report.ts'
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
  /** How it is at the end. `changed`: what was proved before the changes tells nothing now. */
  atTheEnd(how: { readonly changed: boolean; readonly recoveries: readonly RecoveryReport[] }): Promise<ForwardReport[]>
}

/** Begins to prove at once: what this shows stands when nothing has to change. A check proves nothing. */
export function forwardProofs(wanted: readonly Forward[], run: Run): ForwardProofs {
  const proves = run.command !== 'check'
  let known: Promise<readonly ForwardReport[]> = proves ? proveWithinLimit(wanted, run) : Promise.resolve([])
  const readmission = readmit(run)

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

  return {
    async readmitAndWait() {
      const back = await returned()
      if (proves) known = known.then((reports) => proveToo(reports, back))
      if (run.waitMs === undefined) return
      const waited = await waitFor(await known, proveAgain, run)
      known = Promise.resolve(await readmission.withEnrolmentHints(waited))
    },
    async atTheEnd({ changed, recoveries }) {
      const before = await known
      const latest = changed && !run.signal.aborted ? proveWithinLimit(wanted, run) : before
      return waitAsPromised(latest, recoveries, proveAgain, run)
    },
  }
}
