import type { Host, Inventory } from '../inventory/model.ts'
import type { ObservedKeys } from '../playbook/playbook.ts'
import type { HostReport, Outcome, Report, Trouble } from '../report/report.ts'
import type { Progress } from '../report/terminal/progress.ts'
import { parseHostKey } from '../ssh/host-keys/pins.ts'
import { type ReachContext, reach } from '../ssh/reach/reach.ts'
import type { LastProofs } from '../verify/last-proofs.ts'
import type { Changing, PinKeeper } from './change.ts'
import { type Fleet, type Member, reportOf } from './fleet.ts'

/** Everything a run needs from outside. Time, randomness and the wire are arguments. */
export interface Run {
  readonly command: Report['command']
  readonly limit: (name: string) => boolean
  /** `forwards`: nobody logs in to a device but through a forward, and there its host key is enough. */
  readonly only?: 'forwards' | undefined
  /** How long to wait for what is not there yet, in a run that changes nothing. */
  readonly waitMs?: number | undefined
  readonly context: ReachContext
  readonly progress: Progress
  readonly lastProofs: LastProofs
  /** Told what a run that changes has seen of keys. */
  readonly keep?: (observed: ObservedKeys) => Promise<void>
  /** Called with the plan before anything moves. */
  readonly show: (plan: Pick<Report, 'hosts' | 'recoveries' | 'away'>) => void
  /** What is to be done, and nothing else: a plan that was looked at before. */
  readonly planned?: readonly HostReport[]
  /** Aborted: nothing new is begun. */
  readonly signal: AbortSignal
  readonly debug: (title: string, text: string) => void
  readonly now: () => number
  /** Shorter where the signal is given and fires. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly clock: () => Date
  readonly runId: string
  readonly who: string
  readonly confirmWithinSeconds: number
  /** Is it tried, too, what keys must not be able to do. */
  readonly leastPrivilege?: boolean
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

/** What the hosts of a run go through, with what the run has from outside. */
export function changingOf(fleet: Fleet, run: Run): Changing {
  return {
    fleet,
    // The login that confirms a change is always waited for: giving it up would undo what is good.
    login: ({ host }, { along, until } = {}) =>
      reach(host, run.context, {
        ...(until && { until }),
        onTurn: () => run.progress.phase(host.name, 'connect'),
        ...(along === undefined ? { signal: run.signal } : { along }),
      }),
    turns: run.context.changes,
    pins: pinKeeper(run),
    ways: { now: run.now, wait: run.wait, clock: run.clock, debug: run.debug },
    progress: run.progress,
    end: (member: Member, outcome: Outcome, error?: Trouble) => {
      member.end = { outcome, at: run.now(), ...(error && { error }) }
      run.progress.end(member.host.name, outcome)
    },
    runId: run.runId,
    who: run.who,
    confirmWithinSeconds: run.confirmWithinSeconds,
  }
}

/** Closes what the run had open, and says what it says of every run. */
export function closed(inventory: Inventory, members: readonly Member[], began: number, run: Run) {
  for (const { session } of members) session?.close()
  run.context.closeAll()
  const { connections, execs } = run.context.wire.counts
  return {
    version: 1,
    command: run.command,
    inventory: inventory.file,
    seconds: Math.round(run.now() - began) / 1000,
    hosts: members.map(reportOf),
    wire: { connections, execs },
  } as const
}
