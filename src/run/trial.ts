import { parseDialAttempt } from '../doctor/attempt.ts'
import { directivesAt, directivesScript } from '../doctor/directives.ts'
import { ProvisionError } from '../errors.ts'
import type { Device } from '../inventory/model.ts'
import type { Trouble } from '../report/report.ts'
import type { Trial } from '../resources/resource.ts'
import { plainShell, whole } from '../shell/program.ts'
import { lines } from '../shell/sh.ts'
import type { Session } from '../ssh/session/session.ts'
import type { Run } from './context.ts'
import { firstBrokenLink } from './explain.ts'
import { hasFailed, type Member } from './fleet.ts'
import type { TrialUnderWay } from './transaction/context.ts'

/**
 * Another host tries what the changed one is there for, while the change still waits to be kept. Its verdict is in the
 * words of the diagnosis. Only a refusal counts: who cannot try, or does not come to an end in half of the time that
 * the change waits, has refused nothing. Undefined: nobody can try it.
 */
export function beginTrial(member: Member, trial: Trial, run: Run): TrialUnderWay | undefined {
  const { fleet, now, wait, confirmWithinSeconds } = run
  const by = trial.by.map((name) => fleet.members.get(name)).find((one) => one?.session && !hasFailed(one))
  const seconds = Math.max(2, Math.min(15, Math.floor(confirmWithinSeconds / 3)))
  const script = by && trial.script(by.host.name, fleet.seen, seconds)
  if (!by?.session || by.host.role !== 'device' || !script) return undefined
  const { host: device, session } = by
  const deadline = now() + confirmWithinSeconds * 500
  const left = new AbortController()
  const inTime = <T>(work: Promise<T>) =>
    Promise.race([work, wait(Math.max(0, deadline - now()), left.signal).then(() => undefined)])
  const text = whole(lines(plainShell, script))
  run.debug(`trial by ${device.name} on ${member.host.name}`, text)
  const tried = orNothing(inTime(session.exec(text, { timeoutMs: (seconds + 5) * 1000, privileged: true })))

  const judge = async (fresh: Session): Promise<Trouble | undefined> => {
    const ran = await tried
    if (!ran || ran.code === 0) return undefined
    const log = ran.stdout.toString()
    const attempt = parseDialAttempt(log)
    // Not a word of sshd's about this login: the network, or a penalty that passes.
    if (!attempt.banner || attempt.keptOut) return undefined
    const why = attempt.loggedIn
      ? await noForward(device, fresh, attempt.said)
      : ((await inTime(explain(by, member, { log, fresh, run }))) ?? { message: attempt.said })
    return { ...why, message: `a tunnel could not log in: ${why.message}` }
  }
  return {
    verdict: (fresh) => orNothing(judge(fresh)).finally(() => left.abort()),
    async cleanUp(fresh) {
      const after = trial.cleanUp?.(device.name)
      if (after) await fresh.exec(whole(after), { timeoutMs: 10_000, privileged: true }).catch(() => undefined)
    },
  }
}

/** Who cannot be asked has refused nothing. */
async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ProvisionError) return undefined
    throw error
  }
}

async function noForward(device: Device, fresh: Session, said: string): Promise<Trouble> {
  const { stdout } = await fresh.exec(directivesScript(), { timeoutMs: 10_000, privileged: true })
  const at = directivesAt(stdout.toString(), /forwarding/i)
  return {
    message: [`it accepts the login of ${device.name}, but opens no forward for it: ${said}`, ...at].join('; '),
    hint: `its sshd has to allow forwarding for the accounts of the tunnels${at.length > 0 ? ': change that, and reload sshd' : ''}`,
  }
}

interface Explained {
  /** What the device's own ssh said of its try. */
  readonly log: string
  readonly fresh: Session
  readonly run: Run
}

/** As `doctor` says it; what has just failed is no way to mend it. */
async function explain(by: Member, on: Member, { log, fresh, run }: Explained): Promise<Trouble | undefined> {
  const { host: device } = by
  const { host: gateway } = on
  if (device.role !== 'device' || gateway.role !== 'gateway') return undefined
  const sessions = new Map([[gateway.name, fresh]])
  const link = await firstBrokenLink(device, gateway, run, { tried: log, forwards: [], sessions })
  return link && { message: link.says, ...(link.mendedBy === 'hand' && { hint: `${link.mend}; then run again` }) }
}
