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

/**
 * Another host tries what the changed one is there for, while the change still waits to be kept. Gives why it must be
 * rolled back, in the words of the diagnosis. Only a refusal counts: who cannot try, or does not come to an end in half
 * of the time that the change waits, has refused nothing.
 */
export async function tryOn(member: Member, fresh: Session, trial: Trial, run: Run): Promise<Trouble | undefined> {
  const { fleet, now, wait, confirmWithinSeconds } = run
  const by = trial.by.map((name) => fleet.members.get(name)).find((one) => one?.session && !hasFailed(one))
  const seconds = Math.max(2, Math.min(15, Math.floor(confirmWithinSeconds / 3)))
  const script = by && trial.script(by.host.name, fleet.seen, seconds)
  if (!by?.session || by.host.role !== 'device' || !script) return undefined
  const deadline = now() + confirmWithinSeconds * 500
  const left = new AbortController()
  const inTime = <T>(work: Promise<T>) =>
    Promise.race([work, wait(Math.max(0, deadline - now()), left.signal).then(() => undefined)])
  try {
    const text = whole(lines(plainShell, script))
    run.debug(`trial by ${by.host.name} on ${member.host.name}`, text)
    const ran = await inTime(by.session.exec(text, { timeoutMs: (seconds + 5) * 1000, privileged: true }))
    if (!ran || ran.code === 0) return undefined
    const attempt = parseDialAttempt(ran.stdout.toString())
    // Not a word of sshd's about this login: the network, or a penalty that passes.
    if (!attempt.banner || attempt.keptOut) return undefined
    const why = attempt.loggedIn
      ? await noForward(by.host, fresh, attempt.said)
      : ((await inTime(explain(by, member, { log: ran.stdout.toString(), fresh, run }))) ?? { message: attempt.said })
    return { ...why, message: `a tunnel could not log in: ${why.message}` }
  } catch (error) {
    if (error instanceof ProvisionError) return undefined
    throw error
  } finally {
    left.abort()
    const after = trial.cleanUp?.(by.host.name)
    if (after) await fresh.exec(whole(after), { timeoutMs: 10_000, privileged: true }).catch(() => undefined)
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
