import { ProvisionError } from '../errors.ts'
import type { ProofReport } from '../report/report.ts'
import type { Proof, Seen } from '../resources/resource.ts'
import { plainShell } from '../shell/program.ts'
import type { Session } from '../ssh/session/session.ts'

export interface ProofTrial {
  readonly host: string
  readonly proofs: readonly Proof[]
  readonly seen: Seen
  /** None: the host was not reached, or is lost. */
  readonly session: Session | undefined
}

const tryMs = 60_000

/** Tries each proof on the host itself, one after another. */
export async function tryProofs({ host, proofs, seen, session }: ProofTrial): Promise<ProofReport[]> {
  const reports: ProofReport[] = []
  for (const { what, kind, script: late } of proofs) {
    const is = (state: ProofReport['state'], message?: string) =>
      reports.push({ host, what, state, ...(kind && { kind }), ...(message && { error: { message } }) })
    const script = typeof late === 'function' ? late(seen) : late
    if (!session) is('untried', 'the host could not be asked')
    else if (!script) is('untried', 'what is needed to try this is not there')
    else {
      try {
        const text = `${plainShell.text}; set -e\n${script.text}\n`
        const { code, stderr } = await session.exec(text, { timeoutMs: tryMs, privileged: true })
        is(
          code === 0 ? 'holds' : 'fails',
          code === 0 ? undefined : stderr.toString('utf8').trim() || `exit code ${code}`,
        )
      } catch (error) {
        if (!(error instanceof ProvisionError)) throw error
        is('untried', error.message)
      }
    }
  }
  return reports
}
