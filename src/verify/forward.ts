import type { Duplex } from 'node:stream'
import { ConnectError, ForwardingProhibited, LoginRefused, ProvisionError, RemoteError } from '../errors.ts'
import { isOwnSshd, reachedOn, socketName } from '../inventory/forward.ts'
import type { Device, Forward } from '../inventory/model.ts'
import type { ForwardReport, ForwardState, Trouble } from '../report/report.ts'
import { troubleOf } from '../report/trouble.ts'
import { sh } from '../shell/sh.ts'
import { fingerprintOf } from '../ssh/host-keys/pins.ts'
import type { Slot } from '../ssh/reach/slots.ts'
import { connect } from '../ssh/session/connect.ts'
import type { Session } from '../ssh/session/session.ts'
import type { Wire } from '../ssh/session/wire.ts'
import { firstBytes, type Greeting } from './first-bytes.ts'
import runsOnProgram from './runs-on.sh'
import { banner, parseRunsOn } from './runs-on.ts'

export interface ForwardProof {
  readonly device: Device
  readonly forward: Forward
  /** A session on the gateway, or why there is none. */
  readonly gateway: Session | ProvisionError
  readonly wire: Wire
  readonly now: () => number
  /** Has another forward of the same tunnel been proved alive in this run. */
  readonly tunnelLives: boolean
  /** Is it enough that the device proves its host key: we may have no login there. */
  readonly hostKeyEnough: boolean
  readonly slot?: Slot
  /** Is there a device's socket behind the port; absent: the gateway is asked where that matters. */
  readonly tunnelStands?: boolean | undefined
  /** Called when the device's sshd has answered: the time, as `now` counts, at which the gateway received that. */
  readonly greeted?: (at: number) => void
}

/**
 * How long a listener may stay silent, at the least, before it is `stale`: with a longer `--timeout` as long as that.
 * An sshd sends its banner first, and at once.
 */
const silenceMs = 8_000

/**
 * Does the forward reach its device, and is it the right one? From the gateway's own loopback, through the port: the
 * device's sshd has to prove the device's pinned host key, and then accept the login of the inventory's user and
 * tell what runs there; where `hostKeyEnough`, it may also refuse that login.
 * One handshake, brought to its end, so that sshd counts no penalty. A TCP connection alone proves nothing.
 */
export async function proveForward({
  device,
  forward,
  gateway,
  wire,
  now,
  tunnelLives,
  hostKeyEnough,
  tunnelStands,
  greeted,
  slot,
}: ForwardProof): Promise<ForwardReport> {
  const began = now()
  const is = (state: ForwardState, error?: Trouble, more: Partial<ForwardReport> = {}): ForwardReport => ({
    device: forward.device,
    gateway: forward.gateway,
    bindAddress: forward.bindAddress,
    port: forward.port,
    state,
    ...more,
    ...(error && { error }),
  })
  const answered = (hostKey: string) => ({ hostKey: fingerprintOf(hostKey), latencyMs: Math.round(now() - began) })
  if (gateway instanceof ProvisionError) {
    return is('unverified', { message: `${forward.gateway} could not be asked: ${gateway.message}` }, cut(gateway))
  }
  // The gateway's session is open: a gateway that is slow to open a channel has much to do, and is not to get more.
  let speaks = false
  slot?.connected(() => speaks)
  const opened = await open(gateway, forward)
  if (opened instanceof ProvisionError) return is(...refused(opened, forward))
  // The round trip to the gateway alone: it confirms the channel before anything comes through.
  const halfTrip = (now() - began) / 2
  const patient = Math.max(silenceMs, wire.connectTimeoutMs)
  const greeting = await firstBytes(opened, isOwnSshd(device, forward) ? patient : 2_000)
  speaks = greeting === 'speaks'
  if (speaks) greeted?.(now() - halfTrip)
  if (!isOwnSshd(device, forward)) {
    opened.destroy()
    const tunnel = greeting === 'closed' ? (tunnelStands ?? (await hasTunnel(gateway, forward))) : true
    if (tunnel instanceof ProvisionError) return is('unverified', { message: tunnel.message }, cut(tunnel))
    if (!tunnel) return is(...noTunnel(forward))
    return target(greeting, forward, is, tunnelLives)
  }
  if (greeting === 'silence') {
    opened.destroy()
    const message = 'the port is open, but nothing answers: the tunnel behind it is frozen or its link is cut'
    return is('stale', {
      message,
      hint: 'the tunnel reconnects by itself: within half a minute after its link is back, or sooner where its ssh was frozen',
    })
  }
  if (greeting === 'closed') {
    const tunnel = tunnelStands ?? (await hasTunnel(gateway, forward))
    if (tunnel instanceof ProvisionError) return is('unverified', { message: tunnel.message }, cut(tunnel))
    if (!tunnel) return is(...noTunnel(forward))
    const message = `the connection is closed at once: the tunnel is up, but it does not reach the device's own sshd`
    const hint = `on ${device.name}: systemctl status ssh; getent hosts ${forward.host}`
    return is('device-sshd-down', { message, hint })
  }
  const sshd = banner(opened)
  try {
    const opens = [opened]
    // An unknown key is settled with the connection closed: then we connect again.
    const socket = async () => opens.pop() ?? gateway.forward(reachedOn(forward), forward.port)
    const session = await connect(device, { wire, via: 'forward', socket })
    try {
      const { stdout } = await session.exec(runsOnProgram, { timeoutMs: silenceMs, privileged: false })
      const runsOn = { ...parseRunsOn(stdout.toString()), ...sshd }
      return is('ok', undefined, { ...answered(session.hostKey), runsOn })
    } finally {
      session.close()
    }
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error
    if (!(error instanceof LoginRefused)) return failed(error, is)
    const proved = answered(error.hostKey)
    if (!hostKeyEnough) return is('unverified', troubleOf(error), proved)
    return is('ok', undefined, { ...proved, unchecked: `there was no login: ${error.message}` })
  }
}

async function open(gateway: Session, forward: Forward): Promise<Duplex | ProvisionError> {
  try {
    return await gateway.forward(reachedOn(forward), forward.port)
  } catch (error) {
    if (error instanceof ProvisionError) return error
    throw error
  }
}

/**
 * Where systemd owns the port, it is open whether a tunnel is there or not, and closes at once where none is: is
 * there a device's socket behind it? Asked only then, of what everybody may read (proc(5), /proc/net/unix: 00010000
 * is listening).
 */
async function hasTunnel(gateway: Session, forward: Forward): Promise<boolean | ProvisionError> {
  if (forward.listener === 'sshd') return true
  const script = sh`grep -q ${` 00010000 0001 01 .* /s/${socketName(forward).replaceAll('.', '[.]')}$`} /proc/net/unix && echo there || :`
  try {
    const { stdout } = await gateway.exec(`${script.text}\n`, { timeoutMs: silenceMs, privileged: false })
    return stdout.toString().includes('there')
  } catch (error) {
    if (error instanceof ProvisionError) return error
    throw error
  }
}

function noTunnel({ port, listener }: Forward): [ForwardState, Trouble] {
  const message = listener === 'sshd' ? `nothing listens on port ${port}` : `there is no tunnel behind port ${port}`
  return ['no-tunnel', { message, hint: `on the device: systemctl status 'reverse-tunnel-*'` }]
}

function refused(error: ProvisionError, forward: Forward): Parameters<Is> {
  if (!(error instanceof RemoteError) || error.kind !== 'refused')
    return ['unverified', { message: error.message }, cut(error)]
  if (error instanceof ForwardingProhibited) {
    return [
      'unverified',
      {
        message: `the sshd of ${forward.gateway} allows this login no forwarding: ${error.message}`,
        hint: 'its sshd needs AllowTcpForwarding yes or local',
      },
    ]
  }
  if (forward.listener === 'sshd') return noTunnel(forward)
  const message = `nothing listens on port ${forward.port}`
  return ['no-tunnel', { message, hint: `on ${forward.gateway}: systemctl status 'reverse-tunnel-*.socket'` }]
}

type Is = (state: ForwardState, error?: Trouble, more?: Partial<ForwardReport>) => ForwardReport

function failed(error: ProvisionError, is: Is): ForwardReport {
  const trouble = troubleOf(error)
  if (error instanceof ConnectError && error.kind === 'changed-host-key') return is('wrong-device', trouble)
  if (error instanceof ConnectError && error.kind === 'unreachable') return is('stale', trouble)
  return is('unverified', trouble, cut(error))
}

/** Nothing was found out, for the route there was lost. */
function cut(error: ProvisionError): Pick<ForwardReport, 'cut'> {
  const lost = error instanceof RemoteError && (error.kind === 'lost' || error.kind === 'timeout')
  return lost || (error instanceof ConnectError && error.kind === 'unreachable') ? { cut: true } : {}
}

/**
 * The target of the forward is not the device's sshd. It is there when it sends something; or when it holds the
 * connection open in silence, as a web server does, through a tunnel that is known to be alive.
 */
function target(greeting: Greeting, { host, hostPort }: Forward, is: Is, tunnelLives: boolean): ForwardReport {
  if (greeting === 'closed') {
    return is('device-sshd-down', {
      message: `the tunnel is up, but the device cannot connect to ${host}:${hostPort}`,
    })
  }
  if (greeting === 'speaks' || tunnelLives) return is('ok')
  const message = `${host}:${hostPort} sends nothing first, and no forward of this tunnel reaches an sshd that could prove the tunnel`
  return is('unverified', { message, hint: "add a forward to the device's own port 22" })
}
