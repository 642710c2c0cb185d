import { ProvisionError } from '../errors.ts'
import type { Inventory } from '../inventory/model.ts'
import { type FaultReport, faultsExitCode, type Report } from '../report/report.ts'
import type { RunOptions } from '../run/context.ts'
import { type ReachContext, reach, reachContext } from '../ssh/reach/reach.ts'
import type { Session } from '../ssh/session/session.ts'
import { proveForward } from '../verify/forward.ts'
import { type Drilled, type Fault, type FaultName, faultsOf } from './faults.ts'
import { begin, end } from './host.ts'
import { type Prove, recovered } from './recovered.ts'

export interface Wish {
  readonly drilled: Drilled
  readonly names: readonly FaultName[]
  /** A run that changes nothing, of the device and the gateway. */
  readonly verify: (limit: (name: string) => boolean) => Promise<Report>
}

/**
 * Breaks a device's tunnel on purpose, one fault after the other, and measures when the right device answers again.
 * Begins only with a device that is as written; every fault ends by itself on its host, whatever becomes of us.
 */
export async function drill(inventory: Inventory, run: RunOptions, { drilled, names, verify }: Wish): Promise<Report> {
  const began = run.now()
  const { device, gateway, forward } = drilled
  const faults = faultsOf(drilled, names)
  const before = await verify((name) => name === device.name || name === gateway.name)
  const promised = before.recoveries.find(({ port, gateway: on }) => port === forward.port && on === gateway.name)
  const reports: FaultReport[] = []
  if (before.exitCode === 0 && promised) {
    const context = reachContext(inventory, { wire: run.context.wire })
    const prover = proverOf(drilled, context, run)
    try {
      for (const fault of faults) {
        const stop = run.signal.aborted || reports.some(({ verdict }) => verdict === 'never')
        if (stop) continue
        run.progress.note(`${fault.announced}; promised: back within ${promised[fault.promise]} s`)
        reports.push(await happen(fault, { drilled, promised: promised[fault.promise], prover, context, run }))
      }
    } finally {
      prover.close()
      context.closeAll()
    }
  }
  const untold = faults.slice(reports.length)
  const why =
    !promised || before.exitCode !== 0 ? 'the device differs from the inventory, so the drill did not start' : undefined
  const all = [
    ...reports,
    ...untold.map((fault) => untried(fault, promised?.[fault.promise], why ?? 'the drill ended before this fault')),
  ]
  const { connections, execs } = run.context.wire.counts
  return {
    ...before,
    command: 'drill',
    seconds: Math.round(run.now() - began) / 1000,
    exitCode: faultsExitCode(before.exitCode, all, run.signal.aborted),
    faults: all,
    wire: { connections, execs },
  }
}

interface Happening {
  readonly drilled: Drilled
  readonly promised: number
  readonly prover: ForwardProver
  readonly context: ReachContext
  readonly run: RunOptions
}

async function happen(fault: Fault, { drilled, promised, prover, context, run }: Happening): Promise<FaultReport> {
  const { now, wait } = run
  const patience = promised + 20
  const restore = restoredAfter(fault, patience)
  const asRoot = async <T>(work: (session: Session) => Promise<T>) => {
    const session = await reach(fault.on, context)
    return work(session).finally(() => session.close())
  }
  try {
    const begun = await asRoot((session) => begin(session, fault, drilled, { restore, now }))
    if ('refused' in begun) return untried(fault, promised, begun.refused)
    const from = Math.max(begun.at, begun.heard + fault.delay * 1000) + 300
    const at = await recovered(prover.prove, { from, until: begun.at + patience * 1000, now, wait })
    const seconds = at === undefined ? undefined : Math.max(0, Math.round((at - begun.at) / 100) / 10)
    if (seconds === undefined) return { ...told(fault, promised), verdict: 'never', error: gaveUp(patience, restore) }
    const why = await asRoot(end)
    if (why !== undefined) return untried(fault, promised, why)
    return { ...told(fault, promised), seconds, verdict: seconds <= promised ? 'kept' : 'late' }
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error
    return untried(fault, promised, error.message)
  }
}

/**
 * When the host puts everything back, in seconds from the beginning: where that would help the recovery along, not
 * before we have given up; a sshd that does not start is not waited for; and a network that is back has nothing left to
 * be put back.
 */
function restoredAfter({ name, seconds }: Fault, patience: number): number {
  if (name === 'sshd') return 30
  return seconds + (name === 'network' ? 15 : patience + 10)
}

interface ForwardProver {
  readonly prove: Prove
  readonly close: () => void
}

/** Through the forward, by one session on the gateway for as long as that lives. */
function proverOf({ device, gateway, forward }: Drilled, context: ReachContext, { now }: RunOptions): ForwardProver {
  let session: Promise<Session> | undefined
  // One that is given up may still carry proofs of its own.
  const all = new Set<Promise<Session>>()
  return {
    async prove(greeted) {
      session ??= reach(gateway, context)
      const mine = session
      all.add(mine)
      try {
        const open = await mine
        const proof = {
          device,
          forward,
          gateway: open,
          wire: context.wire,
          now,
          tunnelLives: false,
          hostKeyEnough: false,
          // Why nobody answers is not asked: that would be an exec for each knock.
          tunnelStands: false,
          greeted,
        }
        const { state } = await proveForward(proof)
        if (state === 'unverified' && session === mine) session = undefined
        return state === 'ok'
      } catch (error) {
        if (!(error instanceof ProvisionError)) throw error
        if (session === mine) session = undefined
        return false
      }
    },
    close() {
      for (const one of all) one.then((open) => open.close()).catch(() => undefined)
    },
  }
}

function told({ name, title, on }: Fault, promised: number | undefined) {
  return { name, title, host: on.name, ...(promised !== undefined && { promised }) }
}

function untried(fault: Fault, promised: number | undefined, message: string): FaultReport {
  return { ...told(fault, promised), verdict: 'untried', error: { message } }
}

function gaveUp(patience: number, restore: number) {
  return {
    message: `the device did not answer again within ${patience} s`,
    hint: `the host restores everything by itself ${restore} s after the fault began; then run: provision verify`,
  }
}
