import { connect as dial } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import { type ProvisionError, RemoteError } from '../../src/errors.ts'
import type { Device, Forward } from '../../src/inventory/model.ts'
import type { ForwardReport } from '../../src/report/report.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { proveForward } from '../../src/verify/forward.ts'
import { host, type Lab, type Sshd } from '../ssh/session/fixture.ts'

/** A lab, and the sshd in it that is the device. */
interface Place {
  readonly it: Lab
  readonly sshd: Sshd
}

/** What a test changes of a proof that comes out well. */
interface With {
  readonly forward?: Partial<Forward>
  readonly open?: () => Duplex | Promise<Duplex>
  readonly gateway?: ProvisionError
  readonly pins?: readonly string[]
  readonly tunnelLives?: boolean
  readonly hostKeyEnough?: boolean
  /** A key that the device does not let in. */
  readonly identityFile?: string
  /** What the gateway says of the unix socket behind the port. */
  readonly behind?: string | Error
  readonly now?: () => number
  readonly greeted?: (at: number) => void
}

/** A forward to the device's own sshd, but for what the test says. */
export const forwardOf = (more: Partial<Forward> = {}): Forward => ({
  ...{ device: 'host-a', gateway: 'gw', bindAddress: '127.0.0.1', port: 9022, host: 'localhost', hostPort: 22 },
  ...{ listener: 'sshd', expose: false },
  ...more,
})

/** A device with these forwards. */
export function deviceOf(
  { it, sshd }: Place,
  forwards: readonly Forward[],
  { pins = sshd.hostKeys, identityFile }: Pick<With, 'pins' | 'identityFile'> = {},
): Device {
  const {
    dial: _d,
    tunnelAccount: _t,
    ...base
  } = host(it, sshd, {
    ...{ name: 'host-a', pins },
    ...(identityFile && { login: { identityFile } }),
  })
  return { ...base, role: 'device', forwards, via: ['forward'], supervisor: 'systemd' }
}

/** A gateway where a connection to a forward is what the test says. It notes where it was asked to connect. */
export function gatewayOf(open: () => Duplex | Promise<Duplex>, behind?: string | Error) {
  const asked: string[] = []
  const session: Session = {
    host: 'gw',
    via: 'direct',
    hostKey: 'ssh-ed25519 AAAA',
    exec: async () => {
      if (behind === undefined) throw new Error('a forward is proved without a command on the gateway')
      if (behind instanceof Error) throw behind
      return { code: 0, stdout: Buffer.from(behind), stderr: Buffer.from('') }
    },
    hostKeys: () => ['ssh-ed25519 AAAA'],
    async forward(address, port) {
      asked.push(`${address} ${port}`)
      return open()
    },
    close: () => {},
  }
  return { session, asked }
}

/** Proves one forward of the device, and says what the gateway was asked. */
export function prover(to: () => Place) {
  return async (more: With = {}): Promise<{ report: ForwardReport; asked: string[] }> => {
    const { it, sshd } = to()
    const forward = forwardOf(more.forward)
    const fake = gatewayOf(more.open ?? (() => dial(sshd.port, '127.0.0.1')), more.behind)
    const report = await proveForward({
      device: deviceOf({ it, sshd }, [forward], more),
      forward,
      gateway: more.gateway ?? fake.session,
      wire: it.wire(),
      now: more.now ?? (() => performance.now()),
      ...(more.greeted && { greeted: more.greeted }),
      tunnelLives: more.tunnelLives ?? false,
      hostKeyEnough: more.hostKeyEnough ?? false,
    })
    return { report, asked: fake.asked }
  }
}

/** A connection that ends at once. */
export const closed = () => new PassThrough().end()

/** A connection on which nobody speaks. */
export const silent = () => new PassThrough()

/** A connection on which a web server speaks first. */
export const speaking = () => {
  const stream = new PassThrough()
  stream.write('HTTP/1.0 200\r\n')
  return stream
}

/** A gateway's no to a connection. */
export const refuse = (message: string) => () => Promise.reject(new RemoteError('refused', message))
