import { type Device, type Gateway, type Resource, type Seen, sh } from '../../src/index.ts'
import { accountOf, accountPrefix } from './names.ts'
import { forwardsOn, jailed, listenerOf } from './tunnels.ts'

/**
 * A device that gets another listener on a gateway, or another port, loses the door that it has there. That may not happen
 * to one that could not be reached, or only through that door: it would stay outside for good.
 */

/** On the gateway: refuses while a device whose listener changes cannot be told so by another way. */
export function mayChangeListener(gateway: Gateway, devices: readonly Device[]): Resource {
  return {
    id: 'listeners',
    inspect: sh`:`,
    diff(_, seen) {
      const lost = devices.filter((device) => changes(gateway, device, seen) && seen.via?.(device.name) !== 'direct')
      if (lost.length === 0) return 'converged'
      return {
        refused: `${lost.map(({ name }) => name).join(', ')} would get another "listener" and lose the way in by its forward, and was not reached directly`,
        hint: 'run from where it can be reached directly, or leave its listener as it is',
      }
    },
  }
}

/** By what the gateway shows: its own account is there, or its line in the shared account's file. */
function changes(gateway: Gateway, device: Device, seen: Seen): boolean {
  const accounts = seen.of(gateway.name, `accounts ${accountPrefix(gateway)}*`) ?? ''
  const lines = seen.of(gateway.name, `authorized-keys ${gateway.tunnelAccount}`) ?? ''
  return listenerOf(gateway, device) === 'sshd'
    ? accounts.includes(`@account ${accountOf(gateway, device)} `)
    : new RegExp(`^restrict,.* ${device.name.replaceAll('.', '[.]')}$`, 'm').test(lines)
}

/** Sessions of sshd that still hold a port which is to be systemd's. */
export function freedPorts(gateway: Gateway, devices: readonly Device[]): Resource {
  const ports = new Set(
    jailed(devices, gateway).flatMap((device) => forwardsOn(gateway, device).map(({ port }) => String(port))),
  )
  return {
    id: 'ports that sshd holds',
    inspect: sh`ss -Hltnp | sed -nE 's/^.*:([0-9]+) .*"sshd[^"]*",pid=([0-9]+).*/\1 \2/p' | sort -u`,
    diff(now) {
      const held = [...now.matchAll(/^(\d+) (\d+)$/gm)].filter(([, port = '']) => ports.has(port))
      const pids = [...new Set(held.map(([, , pid = '']) => pid))]
      if (pids.length === 0) return 'converged'
      return {
        summary: `end the sessions that hold ${[...new Set(held.map(([, port]) => port))].join(', ')}`,
        saves: [],
        commit: sh`:`,
        activate: sh`
          kill -KILL ${pids} 2>/dev/null || :
          for pid in ${pids}; do
            while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
          done
        `,
      }
    },
  }
}

/** A socket unit of a device that was not reached stays, whatever the inventory says of its port by now. */
export const sparesUnreached =
  (devices: readonly Device[]) =>
  (content: string, seen: Seen): boolean =>
    devices.some(
      ({ name }) =>
        seen.gone(name) && new RegExp(`^Description=\\S+ of ${name.replaceAll('.', '[.]')}(,|$)`, 'm').test(content),
    )
