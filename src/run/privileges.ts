import type { Inventory } from '../inventory/model.ts'
import type { VerifyStep } from '../playbook/playbook.ts'
import type { ProofReport } from '../report/report.ts'
import { reach } from '../ssh/reach/reach.ts'
import { tryPrivileges } from '../verify/least-privilege.ts'
import type { Fleet } from './fleet.ts'
import type { Run } from './run.ts'

/** What keys of the hosts within the limit must not be able to do, tried by these hosts. A few at once: each logs in. */
export async function provePrivileges(
  checks: readonly VerifyStep[],
  { members }: Fleet,
  inventory: Inventory,
  run: Run,
): Promise<ProofReport[]> {
  const wanted = checks.flatMap((check) => [...(check.privileges ?? [])])
  const elsewhere = async (name: string, script: string) => {
    const gateway = inventory.gateways.find((candidate) => candidate.name === name)
    if (!gateway) throw new RangeError(`no gateway ${name}`)
    const own = members.get(name)?.session
    const session = own ?? (await reach(gateway, run.context, { signal: run.signal }))
    try {
      await session.exec(script, { timeoutMs: 10_000, privileged: true })
    } finally {
      if (!own) session.close()
    }
  }
  const reports = await Promise.all(
    wanted.flatMap(([host, privileges], at) => {
      const member = members.get(host)
      if (!member || privileges.length === 0) return []
      run.progress.phase(host, 'attempts')
      const trying = { host, privileges, session: member.session, elsewhere, token: `${run.runId}-${at}` }
      return run.context.handshakes('attempts')(() => tryPrivileges(trying))
    }),
  )
  return reports.flat()
}
