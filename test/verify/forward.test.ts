import { connect as dial } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ConnectError, type ProvisionError, RemoteError } from '../../src/errors.ts'
import type { Device, Forward } from '../../src/inventory/model.ts'
import { fingerprintOf } from '../../src/pins.ts'
import type { ForwardReport } from '../../src/report/report.ts'
import type { Session } from '../../src/session.ts'
import { proveForward } from '../../src/verify/forward.ts'
import { proveForwards } from '../../src/verify/index.ts'
import { host, type Lab, lab, me, type Sshd, transports } from '../session/fixture.ts'

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let sshd: Sshd
  beforeAll(async () => {
    it = lab(transport)
    sshd = await it.sshd()
  })
  afterAll(() => it.end())
  afterEach(() => {
    vi.useRealTimers()
  })

  const forwardOf = (more: Partial<Forward> = {}): Forward => ({
    ...{ device: 'host-a', gateway: 'gw', bindAddress: '127.0.0.1', port: 9022, host: 'localhost', hostPort: 22 },
    ...{ listener: 'sshd', expose: false },
    ...more,
  })
  function device(
    forwards: readonly Forward[],
    pins: readonly string[] = sshd.hostKeys,
    identityFile?: string,
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

  /** A gateway on which a connection to a forward is what the test says, and which notes where it was asked to connect. */
  function gateway(open: () => Duplex | Promise<Duplex>, behind?: string | Error) {
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
  }
  async function prove(more: With = {}): Promise<{ report: ForwardReport; asked: string[] }> {
    const forward = forwardOf(more.forward)
    const fake = gateway(more.open ?? (() => dial(sshd.port, '127.0.0.1')), more.behind)
    const report = await proveForward({
      device: device([forward], more.pins, more.identityFile),
      forward,
      gateway: more.gateway ?? fake.session,
      wire: it.wire(),
      now: () => performance.now(),
      tunnelLives: more.tunnelLives ?? false,
      hostKeyEnough: more.hostKeyEnough ?? false,
    })
    return { report, asked: fake.asked }
  }
  const closed = () => new PassThrough().end()
  const silent = () => new PassThrough()
  const speaking = () => {
    const stream = new PassThrough()
    stream.write('HTTP/1.0 200\r\n')
    return stream
  }
  const refuse = (message: string) => () => Promise.reject(new RemoteError('refused', message))

  describe('where systemd owns the port', () => {
    const forward = { listener: 'socket' as const }

    test('a port that closes at once has no tunnel, or one whose device has no sshd', async () => {
      expect((await prove({ forward, open: closed, behind: '' })).report).toMatchObject({
        state: 'no-tunnel',
        error: { message: 'no tunnel stands behind port 9022' },
      })
      expect((await prove({ forward, open: closed, behind: 'there\n' })).report.state).toBe('device-sshd-down')
      const lost = new RemoteError('lost', 'the connection was lost')
      expect((await prove({ forward, open: closed, behind: lost })).report).toMatchObject({
        state: 'unverified',
        error: { message: 'the connection was lost' },
      })
    })

    test('the same is true of a forward to a neighbour', async () => {
      const printer = { ...forward, host: 'printer.lan.internal', hostPort: 80 }
      expect((await prove({ forward: printer, open: closed, behind: '' })).report.state).toBe('no-tunnel')
    })

    test('a port that nobody has is the gateway’s own trouble', async () => {
      expect((await prove({ forward, open: refuse('Connection refused') })).report).toMatchObject({
        state: 'no-tunnel',
        error: { hint: "on gw: systemctl status 'reverse-tunnel-*.socket'" },
      })
    })
  })

  describe('a forward to the device’s own sshd', () => {
    test('is proved by a login that the pinned host key stands for', async () => {
      const { report, asked } = await prove()
      expect(report).toMatchObject({
        state: 'ok',
        hostKey: fingerprintOf(sshd.hostKeys[0] ?? ''),
        device: 'host-a',
        port: 9022,
      })
      expect(report.latencyMs).toBeGreaterThanOrEqual(0)
      expect([asked, report.error]).toEqual([['127.0.0.1 9022'], undefined])
    })

    test('that reaches another machine is the wrong device, and nobody logs in', async () => {
      const other = await it.sshd()
      const before = sshd.log().length
      const { report } = await prove({ pins: other.hostKeys })
      expect(report.state).toBe('wrong-device')
      expect(sshd.log().slice(before)).not.toContain('Accepted')
    })

    test('whose host key nobody has pinned is not verified, which is no success', async () => {
      expect((await prove({ pins: [] })).report.state).toBe('unverified')
    })

    describe('whose device proves its key and lets us not in', () => {
      let identityFile: string
      beforeAll(() => {
        identityFile = it.keygen('stranger')
      })
      const proved = () => fingerprintOf(sshd.hostKeys[0] ?? '')

      test('is not verified, and the key that it proved is told', async () => {
        const { report } = await prove({ identityFile })
        expect(report).toMatchObject({
          state: 'unverified',
          hostKey: proved(),
          error: { message: `the login as ${me} was refused`, hint: expect.stringContaining('authorized_keys') },
        })
      })

      test('is ok where the host key is enough, and says what was left open', async () => {
        const { report } = await prove({ identityFile, hostKeyEnough: true })
        expect(report).toMatchObject({
          state: 'ok',
          hostKey: proved(),
          unchecked: `nobody logged in: the login as ${me} was refused`,
        })
        expect(report.error).toBeUndefined()
      })

      test('is another device all the same when the key is not the pinned one', async () => {
        const other = await it.sshd()
        const { report } = await prove({ identityFile, hostKeyEnough: true, pins: other.hostKeys })
        expect([report.state, report.hostKey]).toEqual(['wrong-device', undefined])
      })

      test('leaves nothing open where the login is let in', async () => {
        const { report } = await prove({ hostKeyEnough: true })
        expect([report.state, report.unchecked]).toEqual(['ok', undefined])
      })
    })

    test('on which nothing listens has no tunnel', async () => {
      const { report } = await prove({ open: refuse('Connection refused') })
      expect(report).toMatchObject({ state: 'no-tunnel', error: { message: 'nothing listens on port 9022' } })
    })

    test('that the gateway does not let us ask is not verified, and says what it needs', async () => {
      const { report } = await prove({ open: refuse('open failed: administratively prohibited') })
      expect(report).toMatchObject({ state: 'unverified', error: { hint: 'it needs AllowTcpForwarding yes or local' } })
    })

    test('on which the port closes at once has a tunnel, but no sshd behind it', async () => {
      const { report } = await prove({ open: closed })
      expect(report).toMatchObject({ state: 'device-sshd-down', error: { hint: 'on host-a: systemctl status ssh' } })
    })

    test('on which nobody speaks is stale', async () => {
      vi.useFakeTimers()
      const proof = prove({ open: silent })
      await vi.advanceTimersByTimeAsync(8_001)
      expect((await proof).report).toMatchObject({
        state: 'stale',
        error: { message: expect.stringContaining('nobody speaks') },
      })
    })

    test('whose gateway was not there is not verified, and says why', async () => {
      const { report } = await prove({ gateway: new ConnectError('unreachable', 'no route to host') })
      expect(report).toMatchObject({
        state: 'unverified',
        error: { message: 'gw was not there to ask: no route to host' },
      })
    })

    test('when the gateway is lost in the middle is not verified', async () => {
      const lost = () => Promise.reject(new RemoteError('lost', 'the connection was lost'))
      expect((await prove({ open: lost })).report).toMatchObject({
        state: 'unverified',
        error: { message: 'the connection was lost' },
      })
    })

    test.each([
      ['*', '127.0.0.1'],
      ['0.0.0.0', '127.0.0.1'],
      ['::', '::1'],
      ['::1', '::1'],
      ['192.0.2.7', '192.0.2.7'],
    ])('that listens on %s is asked on %s', async (bindAddress, address) => {
      expect((await prove({ forward: { bindAddress }, open: closed })).asked).toEqual([`${address} 9022`])
    })
  })

  describe('a forward to something else behind the device', () => {
    const printer = { host: 'printer', hostPort: 80, port: 9080 }

    test('answers when it speaks', async () => {
      const { report } = await prove({ forward: printer, open: speaking })
      expect([report.state, report.hostKey]).toEqual(['ok', undefined])
    })

    test('that waits for its caller answers, when the tunnel is known to live', async () => {
      vi.useFakeTimers()
      const proof = prove({ forward: printer, open: silent, tunnelLives: true })
      await vi.advanceTimersByTimeAsync(2_001)
      expect((await proof).report.state).toBe('ok')
    })

    test('that waits for its caller is not verified, when nothing else proves the tunnel', async () => {
      vi.useFakeTimers()
      const proof = prove({ forward: printer, open: silent })
      await vi.advanceTimersByTimeAsync(2_001)
      expect((await proof).report).toMatchObject({
        state: 'unverified',
        error: { hint: expect.stringContaining('22') },
      })
    })

    test('that lets the device not connect is down', async () => {
      const { report } = await prove({ forward: printer, open: closed, tunnelLives: true })
      expect(report).toMatchObject({
        state: 'device-sshd-down',
        error: { message: expect.stringContaining('printer:80') },
      })
    })
  })

  describe('all forwards of a run', () => {
    const own = forwardOf()
    const web = forwardOf({ port: 9080, host: 'printer', hostPort: 80 })
    const proving = (open: (port: number) => Duplex, paced: string[] = []) => ({
      devices: [device([own, web])],
      wire: it.wire(),
      now: () => performance.now(),
      gateway: async (): Promise<Session> => ({
        ...gateway(closed).session,
        forward: async (_address, port) => open(port),
      }),
      hostKeyEnough: false,
      pace: async <T>({ gateway }: Forward, work: () => Promise<T>) => {
        paced.push(gateway)
        return work()
      },
    })

    test('are told in the order of the playbook, though those that prove the tunnel go first', async () => {
      const paced: string[] = []
      const open = (port: number) => (port === 9022 ? dial(sshd.port, '127.0.0.1') : speaking())
      const reports = await proveForwards([web, own], proving(open, paced))
      expect(reports.map(({ port, state }) => [port, state])).toEqual([
        [9080, 'ok'],
        [9022, 'ok'],
      ])
      expect(paced).toEqual(['gw', 'gw'])
    })

    test('a gateway that cannot be reached leaves its forwards unverified and the others alone', async () => {
      const one = proving(() => speaking())
      const reports = await proveForwards([own], {
        ...one,
        gateway: () => Promise.reject(new ConnectError('login', `no login as ${me}`)),
      })
      expect(reports.map(({ state }) => state)).toEqual(['unverified'])
    })

    test('a fault of ours is not reported as a state', async () => {
      const one = { ...proving(() => speaking()), gateway: () => Promise.reject(new TypeError('a fault of ours')) }
      await expect(proveForwards([own], one)).rejects.toThrow('a fault of ours')
    })
  })
})
