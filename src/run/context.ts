import type { Gateway, Host, Inventory } from '../inventory/model.ts'
import type { ObservedKeys, Step } from '../playbook/playbook.ts'
import type { HostReport, Outcome, Report, Trouble } from '../report/report.ts'
import type { Progress } from '../report/terminal/progress.ts'
import { parseHostKey } from '../ssh/host-keys/pins.ts'
import type { ReachContext, reach } from '../ssh/reach/reach.ts'
import type { Session } from '../ssh/session/session.ts'
import type { LastProofs } from '../verify/last-proofs.ts'
import { assemble, endMember, type Fleet, type Member, reportOf } from './fleet.ts'

/** Everything a run needs from outside. Time, randomness and the wire are arguments. */
export interface RunOptions {
  readonly command: Report['command']
  readonly limit: (name: string) => boolean
  /** `forwards`: nobody logs in to a device but through a forward, and there its host key is enough. */
  readonly only?: 'forwards' | undefined
  /** How long to wait for what is not there yet, in a run that changes nothing. */
  readonly waitMs?: number | undefined
  readonly context: ReachContext
  /** A new login to a host. */
  readonly reach: typeof reach
  readonly progress: Progress
  readonly lastProofs: LastProofs
  /** Told what a run that changes has seen of keys. */
  readonly keep?: (observed: ObservedKeys) => Promise<void>
  /** Called with the plan before anything moves. */
  readonly show: (plan: Pick<Report, 'hosts' | 'recoveries' | 'away'>) => void
  /** Asks whether the plan that was shown is to be done; absent: nobody is asked, and it is. */
  readonly approve?: () => Promise<boolean>
  /** What is to be done, and nothing else: a plan that was looked at before. */
  readonly planned?: readonly HostReport[]
  /** Aborted: nothing new is begun. */
  readonly signal: AbortSignal
  readonly debug: (title: string, text: string) => void
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  /** Shorter where the signal is given and fires. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** The time on the wall, for people. */
  readonly clock: () => Date
  /** Unique to this run. */
  readonly runId: string
  /** Who runs it, for another run that finds a host taken. */
  readonly who: string
  /** Seconds that a host waits for the confirming login. */
  readonly confirmWithinSeconds: number
  /** Is it tried, too, what keys must not be able to do. */
  readonly leastPrivilege?: boolean
}

/** One run under way: what it was given, its hosts, and how to log in to one, pin its keys and end it. */
export interface Run extends RunOptions {
  readonly inventory: Inventory
  readonly steps: readonly Step[]
  readonly fleet: Fleet
  readonly began: number
  readonly pins: PinKeeper
  /** `along`: by these routes alone; `until`: what the host keeps its slot for. @throws ConnectError */
  readonly login: (member: Member, how?: LoginHow) => Promise<Session>
  readonly end: (member: Member, outcome: Outcome, error?: Trouble) => void
}

export interface LoginHow {
  readonly along?: readonly string[]
  readonly until?: Promise<unknown>
}

/** What is pinned for the hosts of this run. In a run that touches nothing, `add` and `keep` do nothing. */
export interface PinKeeper {
  trusted(host: Member['host']): Promise<(key: string) => boolean>
  add(host: Member['host'], keys: readonly string[]): Promise<void>
  keep(host: Member['host'], keys: readonly string[]): Promise<void>
}

/** `isLeftAlone`: hosts of the inventory that this run does not log in to. */
export function openRun(
  inventory: Inventory,
  steps: readonly Step[],
  options: RunOptions,
  isLeftAlone: (name: string) => boolean = () => false,
): Run {
  const { context, reach, progress, now, signal, limit } = options
  const began = now()
  return {
    ...options,
    ...{ inventory, steps, began },
    fleet: assemble(inventory, steps, (name) => limit(name) && !isLeftAlone(name), began),
    pins: pinKeeper(options),
    // The login that confirms a change is always waited for: giving it up would undo what is good.
    login: ({ host }, { along, until } = {}) =>
      reach(host, context, {
        ...(until && { until }),
        onTurn: () => progress.phase(host.name, 'connect'),
        ...(along === undefined ? { signal } : { along }),
      }),
    end(member, outcome, error) {
      endMember(member, { outcome, at: now(), ...(error && { error }) })
      progress.end(member.host.name, outcome)
    },
  }
}

function pinKeeper({ command, context: { wire } }: RunOptions): PinKeeper {
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

/** @throws RangeError: whoever asks has the name from this inventory */
export function gatewayNamed(name: string, { gateways }: Pick<Inventory, 'gateways'>): Gateway {
  const gateway = gateways.find((candidate) => candidate.name === name)
  if (!gateway) throw new RangeError(`no gateway ${name}`)
  return gateway
}

/**
 * Works with a gateway's session: that of this run, or where there is none a login of its own, which ends with the
 * work. The gateway may be outside the limit of the run.
 * @throws as reach and the work do
 */
export async function withGateway<T>(
  name: string,
  { inventory, fleet, context, reach, signal }: Pick<Run, 'inventory' | 'fleet' | 'context' | 'reach' | 'signal'>,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const own = fleet.members.get(name)?.session
  const session = own ?? (await reach(gatewayNamed(name, inventory), context, { signal }))
  try {
    return await work(session)
  } finally {
    if (!own) session.close()
  }
}

/** Closes what the run had open, and says what it says of every run. */
export function closeRun({ inventory, fleet, began, command, context, now }: Run) {
  const members = [...fleet.members.values()]
  for (const { session } of members) session?.close()
  context.closeAll()
  const { connections, execs } = context.wire.counts
  return {
    version: 1,
    command,
    inventory: inventory.file,
    seconds: Math.round(now() - began) / 1000,
    hosts: members.map(reportOf),
    wire: { connections, execs },
  } as const
}
