import { isOwnSshd } from '../inventory/forward.ts'
import type { Forward } from '../inventory/model.ts'
import type { ProveStep } from '../playbook/playbook.ts'
import { type ForwardReport, isSameForward, type RecoveryReport } from '../report/report.ts'
import { type Proving, proveForwards } from '../verify/prove-forwards.ts'
import { gatewayNamed, type Run } from './context.ts'
import { slowerAndSlower, waitingSentence } from './wait.ts'

/**
 * A forward is looked at when its device is within the limit; its gateway is asked, whether within the limit or not.
 */
export async function proveWithinLimit(forwards: readonly Forward[], run: Run): Promise<ForwardReport[]> {
  const { inventory, fleet, context, reach, signal } = run
  const extra = new Map<string, ReturnType<typeof reach>>()
  const login = (name: string) => {
    const session = extra.get(name) ?? reach(gatewayNamed(name, inventory), context, { signal })
    extra.set(name, session)
    return session
  }
  const wanted = forwards.filter(({ device }) => run.limit(device))
  const reports = await proveForwards(wanted, {
    devices: inventory.devices,
    gateway: async (name) => fleet.members.get(name)?.session ?? fleet.members.get(name)?.login ?? login(name),
    wire: context.wire,
    now: run.now,
    hostKeyEnough: run.only === 'forwards',
    pace: inTurn(wanted, run),
  })
  for (const session of extra.values()) await session.then((open) => open.close()).catch(() => {})
  return run.lastProofs.stamp(reports, inventory.devices)
}

/**
 * In mid-run: does each of these devices answer, as itself, through what it is to have? Forwards that lead into the
 * device decide it where there are any; what lies behind the others may be switched off. Kept for the steps that
 * follow. Who is not there at once is asked again for as long as the plan has promised, since old forwards stay open to
 * who has not moved.
 */
export async function proveMovedForwards(
  step: ProveStep,
  recoveries: readonly RecoveryReport[],
  run: Run,
): Promise<void> {
  const { fleet, inventory } = run
  const wanted = step.forwards(fleet.seen).filter(({ device }) => !fleet.seen.gone(device))
  const deviceOf = (name: string) => inventory.devices.find((device) => device.name === name)
  const isLoginForward = (forward: Forward) => {
    const device = deviceOf(forward.device)
    return device !== undefined && isOwnSshd(device, forward)
  }
  const open = () => wanted.filter(({ device }) => fleet.answers.get(device) !== true)
  const look = async () => {
    const some = open()
    if (some.length === 0) return
    const reports = await proveWithinLimit(some, run)
    for (const device of new Set(some.map((forward) => forward.device))) {
      const mine = some.filter((forward) => forward.device === device)
      const deciding = mine.some(isLoginForward) ? mine.filter(isLoginForward) : mine
      const isGood = (forward: Forward) =>
        reports.some((report) => isSameForward(report, forward) && report.state === 'ok')
      fleet.answers.set(device, deciding.every(isGood))
    }
  }
  const since = run.now()
  await look()
  const promised = (forward: Forward) => recoveries.find((one) => isSameForward(one, forward))?.powerCut ?? 0
  await slowerAndSlower(
    {
      left: () => Math.max(0, ...open().map((forward) => since + 1000 * promised(forward) - run.now())),
      begin() {
        const names = open().map(({ device }) => device)
        run.progress.note(waitingSentence(names, 1000 * Math.max(...open().map(promised))))
      },
      look,
    },
    run,
  )
}

/** Each is a login at some device's sshd; a device has been gone through when all its forwards have. */
function inTurn(forwards: readonly Forward[], { context, progress }: Run): Proving['pace'] {
  const left = new Map<string, number>()
  for (const { device } of forwards) left.set(device, (left.get(device) ?? 0) + 1)
  progress.expect('verify', [...left.keys()])
  return async ({ device }, work) => {
    const proof = context.forks((turn) => {
      progress.phase(device, 'verify')
      return work(turn)
    })
    try {
      return await proof
    } finally {
      const more = (left.get(device) ?? 1) - 1
      left.set(device, more)
      if (more === 0) progress.over('verify', device)
    }
  }
}

/** Those, and all others of the same tunnels. */
export function forwardsOfSameTunnels(
  all: readonly Forward[],
  some: readonly Pick<Forward, 'device' | 'gateway'>[],
): Forward[] {
  return all.filter(({ device, gateway }) => some.some((one) => one.device === device && one.gateway === gateway))
}
