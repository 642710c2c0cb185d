import { drop, letThrough, mainPid, on, packets, pause } from './acts.ts'
import type { WatchFault } from './faults.ts'
import { unit } from './site.ts'

// What is no outage: it is over before it counts.

const fakeClock = `[Service]
Environment=LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1 FAKETIME=-20y FAKETIME_DONT_FAKE_MONOTONIC=1
`
const dropIn = '/run/systemd/system/reverse-tunnel-.service.d'
const killSessions = `pkill -KILL -f '^sshd(-session)?: tunnel' || :`
const killSsh = `systemctl kill --signal=KILL ${unit}`

/** Of a device each. */
export const harmless: readonly WatchFault[] = [
  { name: 'its ssh killed', strike: (place) => on(place, killSsh) },
  {
    name: 'its ssh frozen: its watchdog starts it again',
    strike: (place) => on(place, `systemctl kill --signal=STOP ${unit}`),
  },
  { name: 'device started again', strike: (place) => on(place, 'systemctl reboot') },
  {
    name: 'link of the device cut for 8 s',
    async strike({ host }) {
      await host.cut()
      await pause(8)
      await host.mend()
    },
  },
  {
    name: 'one packet in five lost, both ways',
    strike: ({ host }) =>
      drop(
        host,
        [
          packets('input', 'iif != lo numgen random mod 100 < 20'),
          packets('output', 'oif != lo numgen random mod 100 < 20'),
        ].join('\n'),
      ),
    mend: ({ host }) => letThrough(host),
  },
  {
    name: 'disk of the device full, and its ssh killed',
    strike: (place) => on(place, `cat /dev/zero >/var/full 2>/dev/null; ${killSsh}`),
    mend: (place) => on(place, 'rm /var/full'),
  },
  {
    name: '/etc of the device read-only, and its ssh killed',
    strike: (place) =>
      on(
        place,
        `mount --rbind /etc /etc && mount --make-rprivate /etc && mount -o remount,bind,ro /etc && ! touch /etc/x 2>/dev/null && ${killSsh}`,
      ),
    mend: (place) => on(place, 'umount --recursive --lazy /etc'),
  },
  {
    name: 'clock of the device 20 years behind, and its tunnel starts again',
    strike: (place) =>
      on(
        place,
        `mkdir -p ${dropIn} && printf '${fakeClock}' >${dropIn}/clock.conf && systemctl daemon-reload && systemctl restart ${unit}`,
      ),
    mend: (place) => on(place, `rm -r ${dropIn} && systemctl daemon-reload && systemctl restart ${unit}`),
  },
]

/** Of a gateway each, and of all devices behind it. */
export const harmlessToGateways: readonly WatchFault[] = [
  { name: 'sshd of the gateway started again', strike: (place) => on(place, 'systemctl restart ssh.service') },
  {
    name: 'sessions of the tunnels killed on the gateway',
    strike: (place) => on(place, killSessions),
  },
  {
    name: 'sshd of the gateway takes no login for 8 s',
    async strike(place) {
      await on(place, `kill -STOP ${mainPid}`)
      await pause(8)
      await on(place, `kill -CONT ${mainPid}`)
    },
  },
]
