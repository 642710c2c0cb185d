import { until } from '../../../src/lab/local.ts'
import { place } from '../kit.ts'
import { atOnce, clientKilled, devicePowerCut, type Fault, from } from './faults.ts'
import { inside, type Pair } from './pair.ts'

// Faults of what the tunnel stands on: somebody else's port, a disk, a clock.

export const diskFull: Fault = {
  name: 'device boots with a full disk',
  limit: 'powerCut',
  async strike(pair) {
    await inside(pair.device, 'cat /dev/zero >/var/full 2>/dev/null; ! echo more >/var/more 2>/dev/null')
    return devicePowerCut.strike(pair)
  },
  quiet: true,
  mend: ({ device }) => inside(device, 'rm /var/full /var/more'),
}

export const etcReadOnly: Fault = {
  name: '/etc read-only, then ssh client killed',
  limit: atOnce,
  async strike(pair) {
    // Private, or taking it away would take the lab's own /etc/hosts along, which is mounted below.
    const mounts = 'mount --rbind /etc /etc && mount --make-rprivate /etc && mount -o remount,bind,ro /etc'
    await inside(pair.device, `${mounts} && ! touch /etc/x 2>/dev/null`)
    return clientKilled.strike(pair)
  },
  mend: ({ device }) => inside(device, 'umount --recursive --lazy /etc && touch /etc/x && rm /etc/x'),
}

// For all units of the tunnel, by their common beginning. Not for the others: sshd's sandbox stands no other library, and a
// logind whose monotonic clock is wrong too makes every login wait.
const dropIn = '/etc/systemd/system/reverse-tunnel-.service.d'
const years = `[Service]
Environment=LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1 FAKETIME=-20y FAKETIME_DONT_FAKE_MONOTONIC=1
`

export const clockWrong: Fault = {
  name: 'device boots with a clock 20 years behind',
  limit: 'powerCut',
  async strike(pair) {
    await inside(pair.device, `mkdir -p ${dropIn}`)
    await place(pair.device, { path: `${dropIn}/clock.conf`, text: years })
    return devicePowerCut.strike(pair)
  },
  quiet: true,
  async mend({ device }) {
    const clock = await device.sh(`xargs -0 -n 1 </proc/$(pgrep -n -f '^/usr/bin/ssh .*-N ')/environ`)
    await inside(
      device,
      `rm ${dropIn}/clock.conf && systemctl daemon-reload && systemctl try-restart 'reverse-tunnel-*'`,
    )
    if (!clock.stdout.includes('FAKETIME=-20y')) throw new Error(`${device.name}: no tunnel whose clock is wrong`)
  },
}

/** Sits on the port in silence, as a program does that waits for its caller to speak. */
const stranger = 'systemd-run --quiet --unit=stranger systemd-socket-activate --listen=127.0.0.1:'

export const portTaken: Fault = {
  name: 'port held by a stranger, then free',
  limit: 'powerCut',
  async strike(pair) {
    const { gateway, device, port, unit } = pair
    const sockets = await inside(gateway, `systemctl list-units --plain --no-legend 'reverse-tunnel-*.socket'`)
    const names = sockets.split('\n').map((row) => row.split(' ')[0])
    await inside(device, `systemctl stop ${unit}`)
    if (pair.listener === 'socket') await inside(gateway, `systemctl stop ${names.join(' ')}`)
    const listening = `ss -Hltn sport = :${port} | grep -q .`
    await holds(pair, `! ${listening}`, 'the port does not become free')
    await inside(gateway, `${stranger}${port} /bin/cat`)
    await holds(pair, listening, 'the stranger does not listen')
    if (pair.listener === 'socket') await inside(gateway, `systemctl start --no-block ${names.join(' ')}`)
    await inside(device, `systemctl start --no-block ${unit}`)
    await takenIsTold(pair, names)
    return from(inside(gateway, 'systemctl stop stranger'))
  },
}

async function holds({ gateway }: Pair, condition: string, otherwise: string): Promise<void> {
  const look = async () => (await gateway.sh(condition)).code === 0 || undefined
  if (!(await until(look, { timeoutMs: 60_000, everyMs: 100 }))) throw new Error(`${gateway.name}: ${otherwise}`)
}

/** Who cannot have its port says so again and again, and is never called active: sshd's client, or systemd's socket. */
async function takenIsTold({ gateway, device, unit, listener }: Pair, sockets: readonly (string | undefined)[]) {
  const [machine, name, words] =
    listener === 'socket'
      ? [gateway, sockets[0], 'Address already in use']
      : [device, unit, 'remote port forwarding failed for listen port']
  const told = async () => {
    const journal = await inside(machine, `journalctl -q -o cat -u ${name} --since=-20s`)
    return journal.split(words).length > 2 || undefined
  }
  if (!(await until(told, { timeoutMs: 30_000, everyMs: 200 })))
    throw new Error(`${machine.name}: nothing was said about the port`)
  const state = (await machine.sh(`systemctl is-active ${name}`)).stdout.trim()
  if (state === 'active') throw new Error(`${machine.name}: ${name} is active without its port`)
}
