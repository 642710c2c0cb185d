import { expect } from 'vitest'
import type { ConnectError } from '../../../src/errors.ts'
import type { Device, Forward, Gateway } from '../../../src/inventory/model.ts'
import { type ReachContext, type ReachOptions, reach, reachContext } from '../../../src/ssh/reach/reach.ts'
import type { Session } from '../../../src/ssh/session/session.ts'
import type { Wire } from '../../../src/ssh/session/wire.ts'
import { type HostOptions, host, type Lab, type Sshd } from '../session/fixture.ts'

/** Two sshds of a lab that stand for a gateway and a device. */
export interface Pair {
  readonly it: Lab
  readonly gatewaySshd: Sshd
  readonly deviceSshd: Sshd
}

/** Directly it is where `port` says; through the gateway, where `forwardPort` says. */
export interface At extends HostOptions {
  readonly via?: readonly string[]
  readonly port?: number
  readonly forwardPort?: number
}

/** Reaches a gateway and a device, and sees to it that what was opened is closed. */
export function reaching(to: () => Pair) {
  const open: { close?(): void; closeAll?(): void }[] = []
  const closeAll = () => {
    for (const one of open.splice(0)) (one.close ?? one.closeAll)?.call(one)
  }
  const gateway = (more: HostOptions = {}): Gateway => host(to().it, to().gatewaySshd, { name: 'ssh-gw', ...more })
  // The device's forward is its own sshd's port, seen from the gateway: what sshd binds there looks the same to us.
  function device(at: At = {}): Device {
    const { it, deviceSshd } = to()
    const port = at.port ?? deviceSshd.port
    const forward: Forward = {
      device: 'host-a',
      gateway: 'ssh-gw',
      bindAddress: '127.0.0.1',
      port: at.forwardPort ?? deviceSshd.port,
      host: 'localhost',
      hostPort: 22,
      listener: 'sshd',
      expose: false,
    }
    const base = host(it, { port, hostKeys: deviceSshd.hostKeys }, { name: 'host-a', ...at })
    const { dial: _d, tunnelAccount: _t, ...rest } = base
    return { ...rest, role: 'device', forwards: [forward], via: at.via ?? ['direct', 'forward'], supervisor: 'systemd' }
  }
  function context(options: Partial<ReachOptions> & { gateway?: Gateway } = {}): ReachContext & { wire: Wire } {
    const made = reachContext({ gateways: [options.gateway ?? gateway()] }, { wire: to().it.wire(), ...options })
    open.push(made)
    return made
  }
  async function go(...words: Parameters<typeof reach>): Promise<Session> {
    const session = await reach(...words)
    open.push(session)
    return session
  }
  const failure = (...words: Parameters<typeof reach>) =>
    go(...words).then(
      () => expect.fail('a login'),
      (error: ConnectError) => error,
    )
  return { gateway, device, context, go, failure, closeAll }
}
