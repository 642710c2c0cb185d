import { RemoteError } from '../errors.ts'
import { printListener } from '../inventory/forward.ts'
import { plainShell, whole } from '../shell/program.ts'
import { lines, type Sh, sh } from '../shell/sh.ts'
import type { Session } from '../ssh/session/session.ts'
import drillProgram from './drill.sh'
import type { Drilled, Fault } from './faults.ts'

const folder = '/run/provision-drill'
const beginMs = 20_000

/** The moment (in ms, as `now` counts) from which a recovery is possible and counts; or why nothing was done. */
export type Begun = { readonly at: number; readonly heard: number } | { readonly refused: string }

/**
 * Has the host do it to itself. It tells how long it took from the script's first line; of what the exec took besides,
 * half lies before that line for certain: three of its four ways through the link, and the start of a shell. So the
 * link between us and the host is no part of the recovery, and the rest is never in our favour. When the answer is lost
 * it has happened, for that is what it may break, and is counted from when it was asked.
 */
export async function begin(
  session: Session,
  fault: Fault,
  drilled: Drilled,
  { restore, now }: { restore: number; now: () => number },
): Promise<Begun> {
  const asked = now()
  const counted = (struck: number) => struck + (fault.delay + fault.seconds) * 1000
  try {
    const script = beginScript(fault, drilled, restore)
    const { code, stdout, stderr } = await session.exec(script, { timeoutMs: beginMs, privileged: true })
    if (code !== 0) return { refused: stderr.toString().trim() || `exit code ${code}` }
    const heard = now()
    const took = 10 * Number(/^@struck (\d+)$/m.exec(stdout.toString())?.[1] ?? 0)
    return { at: counted(asked + took + Math.max(0, heard - asked - took) / 2), heard }
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error
    if (error.kind !== 'lost' && error.kind !== 'timeout') return { refused: error.message }
    return { at: counted(asked), heard: now() }
  }
}

/** Puts back what is left of it. Says why, when it had not happened after all. @throws RemoteError */
export async function end(session: Session): Promise<string | undefined> {
  const script = whole(sh`
    [ -d ${folder} ] || { echo @happened; exit 0; }
    sh ${folder}/drill.sh end
  `)
  const { stdout, stderr } = await session.exec(script, { timeoutMs: beginMs, privileged: true })
  if (stdout.includes('@happened')) return undefined
  return stderr.toString().trim() || 'the fault did not take effect'
}

function beginScript(fault: Fault, drilled: Drilled, restore: number): string {
  const { forward, unit, listenerUnits } = drilled
  const words: readonly Sh[] = [
    sh`fault=${fault.name}`,
    sh`seconds=${fault.seconds}`,
    sh`restore=${restore}`,
    sh`unit=${unit}`,
    sh`listener_units=${listenerUnits.join(' ')}`,
    sh`port=${forward.port}`,
    sh`listen=${forward.bindAddress === '*' ? forward.port : printListener(forward)}`,
  ]
  return whole(
    lines(
      plainShell,
      sh`umask 077`,
      sh`systemctl is-active --quiet provision-drill.service provision-drill-restore.timer || rm -rf ${folder}`,
      sh`mkdir ${folder} 2>/dev/null || { echo 'another drill is running on this host' >&2; exit 1; }`,
      sh`printf '%s\n' ${words.map(({ text }) => text)} >${folder}/words`,
      sh`printf %s ${drillProgram} >${folder}/drill.sh`,
      sh`sh ${folder}/drill.sh begin`,
    ),
  )
}
