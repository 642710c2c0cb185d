import { connect as dial } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ConnectError, ForwardingProhibited, RemoteError } from '../../src/errors.ts'
import { fingerprintOf } from '../../src/ssh/host-keys/pins.ts'
import { type Lab, lab, me, type Sshd, transports } from '../ssh/session/fixture.ts'
import { closed, prover, refuse, silent, speaking } from './prover.ts'

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
  const prove = prover(() => ({ it, sshd }))

  describe('where systemd owns the port', () => {
    const forward = { listener: 'socket' as const }

    test('a port that closes at once has no tunnel, or one whose device has no sshd', async () => {
      expect((await prove({ forward, open: closed, behind: '' })).report).toMatchObject({
        state: 'no-tunnel',
        error: { message: 'there is no tunnel behind port 9022' },
      })
      expect((await prove({ forward, open: closed, behind: 'there\n' })).report.state).toBe('device-sshd-down')
      const lost = new RemoteError('lost', 'the connection was lost')
      expect((await prove({ forward, open: closed, behind: lost })).report).toMatchObject({
        state: 'unverified',
        cut: true,
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

    test('tells when the device greeted, as the gateway heard it, and nothing where nobody speaks', async () => {
      let now = 0
      const heard: number[] = []
      const [greeted, clock] = [(at: number) => heard.push(at), () => now]
      // The gateway is 300 ms away, so that its word that the channel stands takes 600.
      const open = () => {
        now += 600
        return dial(sshd.port, '127.0.0.1')
      }
      expect((await prove({ open, greeted, now: clock })).report.state).toBe('ok')
      expect(heard).toEqual([300])
      await prove({ open: closed, greeted, now: clock })
      expect(heard).toEqual([300])
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
          unchecked: `there was no login: the login as ${me} was refused`,
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
      const { report } = await prove({
        open: () => Promise.reject(new ForwardingProhibited('open failed: administratively prohibited')),
      })
      expect(report).toMatchObject({
        state: 'unverified',
        error: { hint: 'its sshd needs AllowTcpForwarding yes or local' },
      })
      expect(report.cut).toBeUndefined()
    })

    test('on which the port closes at once has a tunnel, but no sshd behind it', async () => {
      const { report } = await prove({ open: closed })
      expect(report).toMatchObject({
        state: 'device-sshd-down',
        error: { hint: 'on host-a: systemctl status ssh; getent hosts localhost' },
      })
    })

    test('on which nobody speaks is stale', async () => {
      vi.useFakeTimers()
      const proof = prove({ open: silent })
      await vi.advanceTimersByTimeAsync(10_001)
      expect((await proof).report).toMatchObject({
        state: 'stale',
        error: { message: expect.stringContaining('nothing answers') },
      })
    })

    test('whose gateway was not there is not verified, and says why', async () => {
      const { report } = await prove({ gateway: new ConnectError('unreachable', 'no route to host') })
      expect(report).toMatchObject({
        state: 'unverified',
        error: { message: 'gw could not be asked: no route to host' },
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
})
