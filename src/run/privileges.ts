import type { VerifyStep } from '../playbook/playbook.ts'
import type { ProofReport } from '../report/report.ts'
import { tryPrivileges } from '../verify/least-privilege.ts'
import { type Run, withGateway } from './context.ts'

/**
 * What keys of the hosts within the limit must not be able to do, tried by these hosts. A few at once: each logs in.
 */
export async function provePrivileges(checks: readonly VerifyStep[], run: Run): Promise<ProofReport[]> {
  const wanted = checks.flatMap((check) => [...(check.privileges ?? [])])
  const elsewhere = (name: string, script: string) =>
    withGateway(name, run, async (session) => {
      await session.exec(script, { timeoutMs: 10_000, privileged: true })
    })
  const reports = await Promise.all(
    wanted.flatMap(([host, privileges], at) => {
      const member = run.fleet.members.get(host)
      if (!member || privileges.length === 0) return []
      run.progress.phase(host, 'attempts')
      const trying = { host, privileges, session: member.session, elsewhere, token: `${run.runId}-${at}` }
      return run.context.handshakes('attempts')(() => tryPrivileges(trying))
    }),
  )
  return reports.flat()
}
