import { asProvisionError } from '../errors.ts'
import { isOwnSshd } from '../inventory/forward.ts'
import type { Device, Forward } from '../inventory/model.ts'
import type { ForwardReport } from '../report/report.ts'
import type { Slot } from '../ssh/reach/slots.ts'
import type { Session } from '../ssh/session/session.ts'
import type { Wire } from '../ssh/session/wire.ts'
import { proveForward } from './forward.ts'

export interface Proving {
  readonly devices: readonly Device[]
  /** A session on that gateway. @throws ProvisionError */
  readonly gateway: (name: string) => Promise<Session>
  readonly wire: Wire
  readonly now: () => number
  readonly hostKeyEnough: boolean
  /** Begins each proof when there is a slot for it: every proof is a login at some device's sshd. */
  readonly pace: <T>(forward: Forward, work: (slot?: Slot) => Promise<T>) => Promise<T>
  /** Whether there is a tunnel, if known; undefined: the gateway is asked where that matters. */
  readonly tunnelStands?: (forward: Forward) => boolean | undefined
}

/** Proves every forward: those that reach a device's own sshd first, for what they say about the tunnel they share. */
export async function proveForwards(forwards: readonly Forward[], proving: Proving): Promise<ForwardReport[]> {
  const deviceOf = (forward: Forward) => proving.devices.find(({ name }) => name === forward.device)
  const reports = new Map<Forward, ForwardReport>()
  const prove = async (some: readonly Forward[]) => {
    await Promise.all(
      some.map(async (forward) => {
        const device = deviceOf(forward)
        if (!device) return
        const gateway = await proving.gateway(forward.gateway).catch(asProvisionError)
        const siblings = [...reports].filter(
          ([other]) => other.device === forward.device && other.gateway === forward.gateway,
        )
        const tunnelLives = siblings.some(([, { state }]) => state === 'ok')
        const { wire, now, hostKeyEnough } = proving
        const tunnelStands = proving.tunnelStands?.(forward)
        const proof = { device, forward, gateway, wire, now, tunnelLives, hostKeyEnough, tunnelStands }
        reports.set(forward, await proving.pace(forward, (slot) => proveForward({ ...proof, ...(slot && { slot }) })))
      }),
    )
  }
  const own = (forward: Forward) => {
    const device = deviceOf(forward)
    return device !== undefined && isOwnSshd(device, forward)
  }
  await prove(forwards.filter(own))
  await prove(forwards.filter((forward) => !own(forward)))
  return forwards.flatMap((forward) => reports.get(forward) ?? [])
}
