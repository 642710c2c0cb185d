import { mustRun } from '../must-run.ts'
import {
  accountOf,
  drop,
  impersonate,
  letThrough,
  mainPid,
  on,
  packets,
  pause,
  startAgain,
  stayDown,
  unmask,
  unreachable,
} from './acts.ts'
import { type Place, unit } from './site.ts'

/** What happens to a device or a gateway, and how it is mended. */
export interface WatchFault {
  readonly name: string
  /** What people are told; absent: nothing, for it is none. */
  readonly state?: string
  readonly strike: (place: Place) => Promise<unknown>
  readonly mend?: (place: Place) => Promise<unknown>
  /** So many seconds it may then still take until the tunnel is back, or the gateway is reached. */
  readonly recovers?: number
}

const check = unit.replace('.service', '-check.service')
const socketOf = (port: number) => `reverse-tunnel-127.0.0.1_${port}.socket`
/** Also on machines where systemd listens for it. */
const stopSshd = 'systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service'
const startSshd = 'systemctl start ssh.service'

const tunnelStopped: WatchFault = {
  ...{ name: 'tunnel stopped', state: 'no-tunnel' },
  strike: (place) => on(place, `systemctl stop ${unit}`),
  mend: (place) => on(place, `systemctl start ${unit}`),
}

/** One device each, all at once. */
export const first: readonly WatchFault[] = [
  tunnelStopped,
  { ...tunnelStopped, name: 'tunnel of another device stopped with it' },
  {
    // Else its own watchdog would kill it before anybody saw it.
    ...{ name: 'its ssh frozen, its watchdog stopped', state: 'stale' },
    strike: (place) => on(place, `systemctl stop ${check}; systemctl kill --signal=STOP ${unit}`),
    mend: (place) => on(place, `systemctl kill --signal=KILL ${unit}; systemctl start ${unit} ${check}`),
  },
  {
    ...{ name: 'sshd of the device stopped', state: 'device-sshd-down' },
    strike: (place) => on(place, stopSshd),
    mend: (place) => on(place, startSshd),
  },
  {
    ...{ name: 'sshd of the device frozen', state: 'stale' },
    strike: (place) => on(place, `kill -STOP ${mainPid}`),
    mend: (place) => on(place, `kill -CONT ${mainPid}`),
  },
  {
    ...{ name: 'power of the device cut', state: 'stale', recovers: 20 },
    strike: ({ host }) => host.kill(),
    mend: ({ host }) => host.boot(),
  },
  {
    ...{ name: 'link of the device cut', state: 'stale', recovers: 20 },
    strike: ({ host }) => host.cut(),
    mend: ({ host }) => host.mend(),
  },
  {
    ...{ name: 'link cut for what the device sends', state: 'stale', recovers: 20 },
    strike: ({ host }) => drop(host, packets('output', 'oif != lo')),
    mend: ({ host }) => letThrough(host),
  },
]

/** Comes and goes, for half a minute: one message, and another one when it is over. */
export const flapping: WatchFault = {
  ...{ name: 'device comes and goes', state: 'flapping' },
  async strike(place) {
    for (let times = 0; times < 5; times++) {
      await on(place, `systemctl stop ${unit}`)
      await pause(2.5)
      await on(place, `systemctl start ${unit}`)
      await pause(3)
    }
  },
}

export const second: readonly WatchFault[] = [
  {
    ...{ name: 'link cut for what the device hears', state: 'stale', recovers: 20 },
    strike: ({ host }) => drop(host, packets('input', 'iif != lo')),
    mend: ({ host }) => letThrough(host),
  },
  {
    ...{ name: 'its port shut on the gateway', state: 'no-tunnel' },
    strike: ({ gateway, port }) => mustRun(gateway, `systemctl stop ${shut(port)}`),
    mend: ({ gateway, port }) => mustRun(gateway, `systemctl start ${socketOf(port)}`),
  },
  {
    ...{ name: 'its port taken by a stranger', state: 'stale' },
    strike: ({ gateway, port }) =>
      mustRun(
        gateway,
        `systemctl stop ${shut(port)}; systemd-run --quiet --unit=stranger systemd-socket-activate --listen=127.0.0.1:${port} /bin/sleep infinity`,
      ),
    mend: ({ gateway, port }) => mustRun(gateway, `systemctl stop stranger; systemctl start ${socketOf(port)}`),
  },
  {
    ...{ name: 'another device answers', state: 'wrong-device' },
    strike: impersonate,
    mend: async (place) => {
      await unmask(place)
      await on(place, `systemctl start ${unit}`)
    },
  },
  {
    ...{ name: 'the device shows another host key', state: 'wrong-device' },
    strike: (place) =>
      on(
        place,
        `cd /etc/ssh; mkdir was; mv ssh_host_* was; ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key; systemctl restart ssh.service`,
      ),
    mend: (place) => on(place, 'cd /etc/ssh; mv -f was/* .; rmdir was; systemctl restart ssh.service'),
  },
  {
    ...{ name: 'its key gone on the gateway, and its tunnel starts again', state: 'no-tunnel', recovers: 20 },
    async strike(place) {
      await mustRun(place.gateway, `mv /etc/ssh/reverse-tunnel/keys/${await accountOf(place)} /root`)
      await on(place, `systemctl restart --no-block ${unit}`)
    },
    mend: async (place) => mustRun(place.gateway, `mv /root/${await accountOf(place)} /etc/ssh/reverse-tunnel/keys/`),
  },
  {
    ...{ name: 'its ssh killed, and not started again', state: 'no-tunnel' },
    async strike(place) {
      await stayDown(place)
      await on(place, `systemctl kill --signal=KILL ${unit}`)
    },
    mend: startAgain,
  },
]

function shut(port: number): string {
  return `${socketOf(port)} ${socketOf(port).replace('.socket', '.service')}`
}

/** Of a gateway each: one message, and none for the device behind. */
export const gatewayFaults: readonly (readonly [WatchFault, WatchFault])[] = [
  [
    {
      ...{ name: 'gateway cut off from the watcher alone', state: 'unreachable', recovers: 20 },
      strike: (place) => unreachable(place, 'cut'),
      mend: (place) => unreachable(place, 'mended'),
    },
    {
      ...{ name: 'sshd of the gateway frozen, with all its sessions', state: 'unreachable' },
      strike: (place) => on(place, 'pkill -STOP sshd'),
      mend: (place) => on(place, 'pkill -CONT sshd'),
    },
  ],
  [
    {
      ...{ name: 'power of the gateway cut', state: 'unreachable', recovers: 20 },
      strike: ({ host }) => host.kill(),
      mend: ({ host }) => host.boot(),
    },
    {
      ...{ name: 'sshd of the gateway stopped, with all its sessions', state: 'unreachable' },
      strike: (place) => on(place, `${stopSshd}; pkill -KILL sshd || :`),
      mend: (place) => on(place, startSshd),
    },
  ],
]
