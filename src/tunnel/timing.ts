import type { Device, Forward, Gateway, Inventory } from '../inventory/model.ts'
import { known, type Late, type Resource, type Seen } from '../resources/resource.ts'
import { versionOf } from '../resources/versions.ts'
import { sh } from '../shell/sh.ts'
import { dials, listenerOf, shared } from './accounts.ts'
import { autosshPoll, tunnelUnitName } from './names.ts'
import {
  deriveTiming,
  leastTiming,
  linkClass,
  linkClasses,
  overLink,
  type Recovery,
  recovery,
  type Timing,
} from './recovery.ts'

/**
 * The gateway's version matters only where sshd itself owns the port. Not the link: a unit must not change because a
 * round trip does. `recoverWithin` is met on a quick link, and the promise says what the device's own link adds.
 */
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

const recoveryThrough = (gateway: Gateway) => `recovery through ${gateway.name}`

/**
 * Wants nothing, and refuses a device whose `recoverWithin` no settings can meet. Shows how slow the link of the tunnel
 * is, as the kernel has measured it, in classes. It belongs to a step of its own: no transaction may keep what it
 * shows, or an undo would find the device changed when its link has.
 */
export function recoverable(device: Device, gateway: Gateway): Resource {
  return {
    id: recoveryThrough(gateway),
    inspect: linkOf(gateway),
    diff(_, seen) {
      const found = derived(device, gateway, seen)
      return found && 'impossible' in found
        ? { refused: found.impossible, hint: 'allow more seconds, or use another listener' }
        : 'converged'
    },
  }
}

/**
 * The quickest round trip of the last minutes (ss(8), minrtt) of the connection that the unit's own ssh holds. Nothing
 * where there is no ss, no tunnel, or no such figure.
 */
function linkOf(gateway: Gateway) {
  const procs = `system.slice/${tunnelUnitName(gateway)}/cgroup.procs`
  return sh`
    pids=$(cat ${`/sys/fs/cgroup/${procs}`} ${`/sys/fs/cgroup/systemd/${procs}`} 2>/dev/null)
    [ -z "$pids" ] || ss -Htnpi state established ${`( dport = :${gateway.dial.port} )`} 2>/dev/null | while read -r line; do
      case $line in *'users:('*)
        own=
        for pid in $pids; do case $line in *"pid=$pid,"*) own=1 ;; esac; done
      esac
      case $own$line in 1*minrtt:*)
        rtt=\${line##*minrtt:}
        rtt=\${rtt%%[!0-9]*}
        for class in ${linkClasses}; do [ "$rtt" -ge "$class" ] || break; done
        echo "round trip $class"
        break
      esac
    done
  `
}

/** In ms, at most; undefined: the device has not shown it. */
function roundTripOf(device: Device, gateway: Gateway, seen: Seen): number | undefined {
  const shown = seen.of(device.name, recoveryThrough(gateway)) ?? ''
  const found = /^round trip (\d+)$/m.exec(shown)?.[1]
  return found === undefined ? undefined : Number(found)
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

/**
 * How soon a forward is back after each fault. Behind autossh a failed try may wait for its poll time. `roundTripMs`:
 * of its link, where somebody else than the device has measured it.
 */
export function recoveryOf({ devices, gateways }: Inventory) {
  return (forward: Forward, seen: Seen, roundTripMs?: number): Recovery | undefined => {
    const device = devices.find(({ name }) => name === forward.device)
    const gateway = gateways.find(({ name }) => name === forward.gateway)
    if (!device || !gateway || !dials(device, gateway)) return undefined
    const timing = known(timingOf(device, gateway), seen)
    const sshd = forward.listener === 'socket' ? '0' : known(versionOf(gateway.name, 'openssh'), seen)
    if (!timing || sshd === undefined) return undefined
    const retry = device.supervisor === 'autossh' ? autosshPoll : timing.retry
    const promise = recovery({ ...timing, retry }, forward.listener, sshd)
    const measured = linkClass(roundTripMs) ?? roundTripOf(device, gateway, seen)
    return overLink(promise, forward.listener, { roundTripMs: measured, recoverWithin: device.recoverWithin })
  }
}
