import { ProvisionError } from '../errors.ts'
import type { ProofReport, Trouble } from '../report/report.ts'
import type { ForbiddenAct, LeastPrivilege } from '../resources/resource.ts'
import { plainShell, program, whole } from '../shell/program.ts'
import { lines, sh } from '../shell/sh.ts'
import type { Session } from '../ssh/session/session.ts'
import attemptsProgram from './least-privilege.sh'

export interface PrivilegeTrial {
  readonly host: string
  readonly privileges: readonly LeastPrivilege[]
  /** None: the host was not reached, or is lost. */
  readonly session: Pick<Session, 'exec'> | undefined
  /** Runs a script as root on another host, where an attempt may have left something. */
  readonly elsewhere: (host: string, script: string) => Promise<void>
  /** Unique to this host in this run: letters, digits and dashes. */
  readonly token: string
}

const tryMs = 120_000

/**
 * Tries with each key, on the host that has it, all that it must not be able to do: one exec, one login by each key.
 * `holds` is only what the far side refused; where the key itself is not accepted, nothing was tried, and that fails.
 */
export async function tryPrivileges(trying: PrivilegeTrial): Promise<ProofReport[]> {
  const { host, privileges, session } = trying
  const untried = (message: string) =>
    privileges.flatMap((privilege) =>
      privilege.attempts.map((attempt) => report(host, privilege, attempt, 'untried', { message })),
    )
  if (!session) return untried('the host could not be asked')
  try {
    const script = attemptsScript(privileges, trying.token)
    const { stdout, stderr } = await session.exec(script, { timeoutMs: tryMs, privileged: true })
    const results = parse(stdout.toString('utf8'))
    const found = privileges.map((privilege, which) => judge(host, privilege, which, results, stderr.toString('utf8')))
    await tidy(trying, found)
    return found.flat()
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error
    return untried(error.message)
  }
}

/** One script for all keys, which are tried side by side. */
export function attemptsScript(privileges: readonly LeastPrivilege[], token: string): string {
  const calls = privileges.map(({ on, address, port, account, identityFile, knownHosts, attempts }, which) => {
    const words = attempts.flatMap(({ kind, where }, at) => [`${which}.${at}`, kind, where ?? '-'])
    return sh`( attempts ${which} ${on} ${address} ${port} ${account} ${identityFile} ${knownHosts} ${token} ${words} ) &`
  })
  return whole(lines(plainShell, program(attemptsProgram), ...calls, sh`wait`))
}

interface Results {
  /** Of each key: accepted, or ssh's words why not. */
  readonly logins: ReadonlyMap<string, string>
  readonly attempts: ReadonlyMap<string, { readonly end: string; readonly words: string }>
}

function parse(text: string): Results {
  return {
    logins: new Map([...text.matchAll(/^@login (\d+)(?: (.*))?$/gm)].map(([, which = '', why = '']) => [which, why])),
    attempts: new Map(
      [...text.matchAll(/^@attempt (\S+) (refused|works|untried)(?: (.*))?$/gm)].map(
        ([, number = '', end = '', words = '']) => [number, { end, words }],
      ),
    ),
  }
}

function judge(
  host: string,
  privilege: LeastPrivilege,
  which: number,
  results: Results,
  stderr: string,
): ProofReport[] {
  const why = results.logins.get(String(which)) ?? (stderr.trim() || 'the attempts did not end')
  const reports = privilege.attempts.map((attempt, at) => {
    const { end, words } = results.attempts.get(`${which}.${at}`) ?? {
      end: 'untried',
      words: why || 'it was not tried',
    }
    if (end === 'refused') return report(host, privilege, attempt, 'holds')
    if (end === 'untried') return report(host, privilege, attempt, 'untried', { message: words })
    return report(host, privilege, attempt, 'fails', { message: words, hint: remedy(privilege, attempt) })
  })
  if (why === '') return reports
  const what = `${privilege.on} accepts its key, so that the attempts can be made`
  return [{ host, what, state: 'fails', error: { message: why } }, ...reports]
}

function remedy({ on, account }: LeastPrivilege, { refusedBy }: ForbiddenAct): string {
  const inForce = `sshd -T -C user=${account},host=any,addr=127.0.0.1`
  return `${on} should have refused this by ${refusedBy.join(', or by ')}; see its settings there: ${inForce}`
}

function report(
  host: string,
  { on }: LeastPrivilege,
  { words }: ForbiddenAct,
  state: ProofReport['state'],
  error?: Trouble,
): ProofReport {
  const what = `${on} refuses its key ${words}`
  return { host, what, state, of: `attempts with its key on ${on}`, ...(error && { error }) }
}

/** sshd leaves the file of a unix socket behind. */
async function tidy(
  { privileges, elsewhere, token }: PrivilegeTrial,
  found: readonly (readonly ProofReport[])[],
): Promise<void> {
  for (const [which, { on, attempts }] of privileges.entries()) {
    const reports = (found[which] ?? []).filter(({ of }) => of)
    const left = attempts.flatMap(({ kind, where }, at) =>
      kind === 'listen' && where?.startsWith('/') && reports[at]?.state === 'fails'
        ? [`${where}/provision-${token}`]
        : [],
    )
    if (left.length === 0) continue
    try {
      await elsewhere(on, whole(sh`rm -f -- ${left}`))
    } catch (error) {
      if (!(error instanceof ProvisionError)) throw error
    }
  }
}
