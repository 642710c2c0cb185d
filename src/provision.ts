import { type Changing, change, look, type PinKeeper, preview } from './change.ts'
import { assemble, type Fleet, hasFailed, type Member, reportOf } from './fleet.ts'
import type { Host, Inventory } from './inventory/model.ts'
import { parseHostKey } from './pins.ts'
import type { Playbook, Step } from './playbook.ts'
import { type ReachContext, reach } from './reach.ts'
import type { Progress } from './report/progress.ts'
import {
  exitCode,
  type ForwardReport,
  type Outcome,
  type ProofReport,
  type RecoveryReport,
  type Report,
  type Trouble,
} from './report/report.ts'
import { proveForwards } from './verify/index.ts'
import { tryProofs } from './verify/proofs.ts'

/** Everything a run needs from outside. Time, randomness and the wire are arguments. */
export interface Run {
  readonly command: Report['command']
  readonly limit: (name: string) => boolean
  readonly context: ReachContext
  readonly progress: Progress
  /** Called with the plan before anything moves. */
  readonly show: (plan: Pick<Report, 'hosts' | 'recoveries'>) => void
  /** Aborted: nothing new is begun. */
  readonly signal: AbortSignal
  readonly debug: (title: string, text: string) => void
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
  readonly clock: () => Date
  readonly runId: string
  readonly who: string
  readonly patience: number
}

/** The whole run: look at every host at once, plan, show, change step by step, prove every forward, report. */
export async function provision(inventory: Inventory, playbook: Playbook, run: Run): Promise<Report> {
  const began = run.now()
  const steps = playbook(inventory)
  const fleet = assemble(inventory, steps, run.limit, began)
  const members = [...fleet.members.values()]
  const changing = changingOf(fleet, run)

  const looks = members.map((member) => look(member, changing))
  // Beside the look, not after it: what this proves stands when nothing has to change.
  const early = run.command === 'check' ? [] : prove(steps, fleet, inventory, run)
  await Promise.all(looks)
  const moving = judge(fleet, steps, run, changing) && run.command === 'apply'
  if (moving) {
    for (const [number, step] of steps.entries()) {
      if (step.kind === 'checked' || run.signal.aborted) continue
      await Promise.all(members.map((member) => change(member, step, number, changing)))
    }
  }
  for (const member of members) if (!hasFailed(member)) changing.end(member, success(member, fleet, run))
  const before = await early
  const forwards = moving && !run.signal.aborted ? await prove(steps, fleet, inventory, run) : before

  const proofs = run.command === 'apply' && !run.signal.aborted ? await tried(steps, fleet) : []
  for (const { session } of members) session?.close()
  run.context.closeAll()
  const hosts = members.map(reportOf)
  const { connections, execs } = run.context.wire.counts
  return {
    version: 1,
    command: run.command,
    inventory: inventory.file,
    seconds: Math.round(run.now() - began) / 1000,
    exitCode: exitCode(hosts, [...forwards, ...proofs], run.signal.aborted),
    hosts,
    forwards,
    recoveries: promises(steps, fleet),
    ...(proofs.length > 0 && { proofs }),
    pending: steps.flatMap((step) => (step.kind === 'checked' ? (step.pending?.(fleet.seen) ?? []) : [])),
    wire: { connections, execs },
  }
}

/** The plan, before anything moves: a host that refuses one thing is left alone in all. Is there anything to change? */
function judge(fleet: Fleet, steps: readonly Step[], run: Run, { end }: Changing): boolean {
  const planned = [...fleet.members.values()].map((member) => {
    const { changes, refused } = preview(member, fleet)
    if (hasFailed(member)) return reportOf(member)
    if (refused) end(member, 'rejected', refused)
    if (run.command !== 'apply') member.changes.push(...changes)
    return { ...reportOf(member), changes }
  })
  run.show({ hosts: planned, recoveries: promises(steps, fleet) })
  return planned.some(({ changes }) => changes.length > 0)
}

/** What is promised of the forwards of devices within the limit. */
function promises(steps: readonly Step[], { members, seen }: Fleet): RecoveryReport[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'checked') return []
    return step.forwards.flatMap((forward) => {
      const recovery = members.has(forward.device) ? step.recovery(forward, seen) : undefined
      const { device, gateway, bindAddress, port } = forward
      return recovery ? [{ device, gateway, bindAddress, port, ...recovery }] : []
    })
  })
}

function success(member: Member, fleet: Fleet, { command, signal }: Run): Outcome {
  if (signal.aborted && preview(member, fleet).changes.length > 0) return 'differs'
  if (member.changes.length === 0) return 'ok'
  return command === 'apply' ? 'changed' : 'differs'
}

/** A forward is looked at when its device is within the limit; its gateway is asked, whether within the limit or not. */
async function prove(
  steps: readonly Step[],
  { members }: Fleet,
  inventory: Inventory,
  run: Run,
): Promise<ForwardReport[]> {
  const extra = new Map<string, ReturnType<typeof reach>>()
  const login = (name: string) => {
    const gateway = inventory.gateways.find((candidate) => candidate.name === name)
    if (!gateway) throw new RangeError(`no gateway ${name}`)
    const session = extra.get(name) ?? reach(gateway, run.context, { signal: run.signal })
    extra.set(name, session)
    return session
  }
  const checks = steps.flatMap((step) => (step.kind === 'checked' ? step.forwards : []))
  const wanted = checks.filter(({ device }) => members.has(device))
  for (const { device } of wanted) run.progress.phase(device, 'verify')
  const forwards = await proveForwards(wanted, {
    devices: inventory.devices,
    gateway: async (name) => members.get(name)?.session ?? members.get(name)?.login ?? login(name),
    wire: run.context.wire,
    now: run.now,
    pace: (gateway, work) => run.context.handshakes(`through ${gateway}`)(work),
  })
  for (const session of extra.values()) await session.then((open) => open.close()).catch(() => {})
  return forwards
}

async function tried(steps: readonly Step[], { members, seen }: Fleet): Promise<ProofReport[]> {
  const wanted = steps.flatMap((step) => (step.kind === 'checked' ? [...(step.proofs ?? [])] : []))
  const reports = await Promise.all(
    wanted.map(([host, proofs]) => tryProofs({ host, proofs, seen, session: members.get(host)?.session })),
  )
  return reports.flat()
}

function pinKeeper({ command, context: { wire } }: Run): PinKeeper {
  const { pins } = wire
  const full = async (host: Host) => ({ ...host, port: host.port ?? (await wire.userConfig(host.name)).port })
  return {
    trusted: async (host) => pins.trusted(await full(host)),
    async add(host, keys) {
      const trusts = await pins.trusted(await full(host))
      const fresh = command === 'apply' ? keys.flatMap((key) => (trusts(key) ? [] : (parseHostKey(key) ?? []))) : []
      for (const key of fresh) await pins.add(host, key)
    },
    keep: async (host, keys) => (command === 'apply' ? pins.keep(await full(host), keys) : undefined),
  }
}

function changingOf(fleet: Fleet, run: Run): Changing {
  return {
    fleet,
    // The login that confirms a change is always waited for: giving it up would undo what is good.
    login: ({ host }, along) => reach(host, run.context, along === undefined ? { signal: run.signal } : { along }),
    pins: pinKeeper(run),
    ways: { now: run.now, wait: run.wait, clock: run.clock, debug: run.debug },
    phase: (host, phase) => run.progress.phase(host, phase),
    end: (member: Member, outcome: Outcome, error?: Trouble) => {
      member.end = { outcome, at: run.now(), ...(error && { error }) }
      run.progress.end(member.host.name, outcome)
    },
    runId: run.runId,
    who: run.who,
    patience: run.patience,
  }
}
