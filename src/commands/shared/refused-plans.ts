import { setTimeout as wait } from 'node:timers/promises'
import type { Inventory } from '../../inventory/model.ts'
import { defaultPlaybook } from '../../playbook/load.ts'
import { type DoctorReport, doctorExitCode, type TunnelReport } from '../../report/doctor/doctor.ts'
import type { HostReport, Report } from '../../report/report.ts'
import { silent } from '../../report/terminal/progress.ts'
import { provision } from '../../run/provision.ts'
import type { reach as Reach, ReachContext } from '../../ssh/reach/reach.ts'

/**
 * The diagnosis, with what a run of provision would refuse on these machines: a run that is refused mends nothing, and
 * a tunnel that works is not all well where `verify` fails. Asks only where that may be so.
 */
export async function withRefusedPlans(report: DoctorReport, check: () => Promise<Report>): Promise<DoctorReport> {
  const matters = ({ links }: TunnelReport) => {
    const last = links.at(-1)
    return last?.state !== 'broken' || last.mendedBy === 'run'
  }
  if (!report.tunnels.some(matters)) return report
  const refused = (await check()).hosts.filter(({ outcome }) => outcome === 'rejected')
  const tunnels = report.tunnels.map((tunnel) => {
    const host = refused.find(({ name }) => name === tunnel.gateway || name === report.device)
    return host && matters(tunnel) ? withRefusal(tunnel, host) : tunnel
  })
  return { ...report, tunnels, exitCode: doctorExitCode(tunnels) }
}

function withRefusal({ gateway, links }: TunnelReport, { name, error }: HostReport): TunnelReport {
  const says = `${name} refuses its part of the plan: ${error?.message ?? 'without a reason'}`
  const first = error?.hint ?? `\`provision verify\` says more of ${name}`
  const last = links.at(-1)
  if (last?.state !== 'broken')
    return { gateway, links: [...links, { link: 'plan', state: 'broken', says, mend: first, mendedBy: 'hand' }] }
  const both = {
    ...last,
    says: `${last.says}; ${says}`,
    mend: `${first}; then ${last.mend}`,
    mendedBy: 'hand',
  } as const
  return { gateway, links: [...links.slice(0, -1), both] }
}

/** What a run would do to these hosts, as `--check` looks: nothing is changed, and nothing is printed. */
export async function checkPlans(
  inventory: Inventory,
  names: readonly string[],
  { context, reach }: { readonly context: ReachContext; readonly reach: typeof Reach },
): Promise<Report> {
  return provision(inventory, await defaultPlaybook(), {
    command: 'check',
    limit: (name) => names.includes(name),
    ...{ context, reach, progress: silent },
    lastProofs: { stamp: async (reports) => [...reports] },
    show: () => undefined,
    debug: () => undefined,
    signal: new AbortController().signal,
    now: () => performance.now(),
    wait: (ms, signal) => wait(ms, undefined, signal && { signal }).catch(() => undefined),
    clock: () => new Date(),
    ...{ runId: 'doctor', who: 'doctor', confirmWithinSeconds: 60 },
  })
}
