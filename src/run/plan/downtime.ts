import type { VerifyStep } from '../../playbook/playbook.ts'
import { type AwayReport, type HostReport, isSameForward, type RecoveryReport } from '../../report/report.ts'

/**
 * How long each device may be away while these changes are made: for every host on the way whose change interrupts the
 * tunnel, one recovery; and where the host takes the change back, the time in which it waits for the tunnel to come up
 * and for the login that confirms it (`confirmWithinSeconds`) besides.
 */
export function expectedDowntime(
  checks: readonly VerifyStep[],
  planned: readonly HostReport[],
  {
    recoveries,
    confirmWithinSeconds,
  }: { readonly recoveries: readonly RecoveryReport[]; readonly confirmWithinSeconds: number },
): AwayReport[] {
  const perForward = recoveries.map((promise) => {
    const waits = checks.flatMap(({ forwards, carriers }) =>
      forwards
        .filter((forward) => isSameForward(promise, forward))
        .flatMap((forward) => carriers(forward).flatMap(interruption)),
    )
    const seconds = waits.length * promise.powerCut
    const undone = waits.reduce((sum, wait) => sum + wait + confirmWithinSeconds, seconds)
    return { device: promise.device, seconds, undone }
  })
  const devices = [...new Set(perForward.map(({ device }) => device))]
  return devices.map((device) => {
    const mine = perForward.filter((each) => each.device === device)
    return {
      device,
      seconds: Math.max(...mine.map(({ seconds }) => seconds)),
      undone: Math.max(...mine.map(({ undone }) => undone)),
    }
  })

  /** Of one host: its longest wait, as its changes go live together. */
  function interruption({ host, units }: ReturnType<VerifyStep['carriers']>[number]): number[] {
    const changes = planned.find(({ name }) => name === host)?.changes ?? []
    const cuts = changes.flatMap(({ interrupts }) =>
      interrupts?.units.some((unit) => units.includes(unit)) ? [interrupts.seconds] : [],
    )
    return cuts.length > 0 ? [Math.max(...cuts)] : []
  }
}
