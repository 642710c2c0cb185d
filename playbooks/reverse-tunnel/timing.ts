import {
  type Device,
  deriveTiming,
  type Forward,
  type Gateway,
  type Inventory,
  known,
  type Late,
  leastTiming,
  type Recovery,
  type Resource,
  recovery,
  type Seen,
  sh,
  type Timing,
  versionOf,
} from '../../src/index.ts'
import { autosshPoll } from './names.ts'
import { dials, listenerOf, shared } from './tunnels.ts'

/** The gateway's version matters only where sshd itself owns the port. */
function derived(device: Device, gateway: Gateway, seen: Seen) {
  const listener = listenerOf(gateway, device)
  const sshd = listener === 'socket' ? '0' : known(versionOf(gateway.name, 'openssh'), seen)
  return sshd === undefined ? undefined : deriveTiming(listener, sshd, device.recoverWithin)
}

export function timingOf(device: Device, gateway: Gateway): Late<Timing> {
  return (seen) => {
    const found = derived(device, gateway, seen)
    return found && ('timing' in found ? found.timing : leastTiming)
  }
}

/** Wants nothing, and refuses a device whose `recoverWithin` no settings can meet. */
export function recoverable(device: Device, gateway: Gateway): Resource {
  return {
    id: `recovery through ${gateway.name}`,
    inspect: sh`:`,
    diff(_, seen) {
      const found = derived(device, gateway, seen)
      return found && 'impossible' in found
        ? { refused: found.impossible, hint: 'allow more seconds, or another listener' }
        : 'converged'
    },
  }
}

/** Both sides ask alike; an account that several devices share is as quick as the most demanding of them. */
export function sharedTiming(gateway: Gateway, devices: readonly Device[]) {
  const timings = (seen: Seen) =>
    shared(devices, gateway).flatMap((device) => known(timingOf(device, gateway), seen) ?? [])
  return {
    interval: (seen: Seen) => {
      const all = timings(seen).map(({ interval }) => interval)
      return all.length > 0 ? String(Math.min(...all)) : undefined
    },
    countMax: String(leastTiming.countMax),
  }
}

/** How soon a forward is back after each fault. Behind autossh a failed try may wait for its poll time. */
export function recoveryOf({ devices, gateways }: Inventory) {
  return (forward: Forward, seen: Seen): Recovery | undefined => {
    const device = devices.find(({ name }) => name === forward.device)
    const gateway = gateways.find(({ name }) => name === forward.gateway)
    if (!device || !gateway || !dials(device, gateway)) return undefined
    const timing = known(timingOf(device, gateway), seen)
    const sshd = forward.listener === 'socket' ? '0' : known(versionOf(gateway.name, 'openssh'), seen)
    if (!timing || sshd === undefined) return undefined
    const retry = device.supervisor === 'autossh' ? autosshPoll : timing.retry
    return recovery({ ...timing, retry }, forward.listener, sshd)
  }
}
