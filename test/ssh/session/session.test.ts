import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConnectError, RemoteError } from '../../../src/errors.ts'
import { connect } from '../../../src/ssh/session/connect.ts'
import type { Session } from '../../../src/ssh/session/session.ts'
import { host, type Lab, lab, type Sshd, transports, until } from './fixture.ts'

describe.each(transports)('over %s', (transport) => {
  const plain = { timeoutMs: 10_000, privileged: false }
  // The nearest sshd above the script is the one that serves this connection.
  const killSshd =
    'p=$$; until ps -o comm= -p $p | grep -q sshd; do p=$(ps -o ppid= -p $p | tr -d " "); done; kill -9 $p'
  let it: Lab
  let sshd: Sshd
  let session: Session

  beforeAll(async () => {
    it = lab(transport)
    sshd = await it.sshd({ hostKeys: ['ed25519'] })
    session = await connect(host(it, sshd), { wire: it.wire() })
  })
  afterAll(() => {
    session.close()
    it.end()
  })

  const text = async (script: string) => (await session.exec(script, plain)).stdout.toString()

  describe('a script', () => {
    test('gives back its exit code and both streams, byte for byte', async () => {
      const result = await session.exec('printf "a\\n\\n"; printf "b" >&2; exit 7', plain)
      expect({ code: result.code, stdout: result.stdout.toString(), stderr: result.stderr.toString() }).toEqual({
        code: 7,
        stdout: 'a\n\n',
        stderr: 'b',
      })
    })

    test('that writes nothing leaves nothing', async () => {
      const result = await session.exec(':', plain)
      expect([result.code, result.stdout.length, result.stderr.length]).toEqual([0, 0, 0])
    })

    test('that is killed says so in its code', async () => {
      expect((await session.exec('kill -9 $$', plain)).code).toBe(137)
    })

    test('may be long, and may stop before its end', async () => {
      const result = await session.exec(`echo start; exit 3\n${'# padding\n'.repeat(50_000)}`, plain)
      expect([result.code, result.stdout.toString()]).toEqual([3, 'start\n'])
    })

    test('keeps UTF-8 whole across chunks', async () => {
      const euros = await text(
        'i=0; while [ $i -lt 2000 ]; do printf "€%.0s" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; i=$((i+1)); done',
      )
      expect(euros).toBe('€'.repeat(40_000))
    })

    test('may leave a child behind that holds its streams open', async () => {
      const began = Date.now()
      const result = await session.exec('sleep 9 & echo done', plain)
      expect(result.stdout.toString()).toBe('done\n')
      expect(Date.now() - began).toBeLessThan(8000)
    })

    test('runs beside nineteen others on one connection', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, (_, index) => text(`echo ${index}`)))
      expect(all).toEqual(Array.from({ length: 20 }, (_, index) => `${index}\n`))
    })

    test('that does not end in time is an error, and the connection lives on', async () => {
      const error = await session
        .exec('exec sleep 5', { timeoutMs: 200, privileged: false })
        .catch((error: RemoteError) => error)
      expect(error).toMatchObject({
        name: 'RemoteError',
        kind: 'timeout',
        message: 'the script did not end within 0.2 s',
      })
      expect(await text('echo alive')).toBe('alive\n')
    })

    test('that writes without end is stopped', async () => {
      const small = await connect(host(it, sshd), { wire: it.wire({ capBytes: 100_000 }) })
      const error = await small.exec('yes', plain).catch((error: RemoteError) => error)
      expect(error).toMatchObject({ kind: 'output', message: 'the script wrote more than 97 KiB' })
      expect((await small.exec('echo alive', plain)).stdout.toString()).toBe('alive\n')
      small.close()
    })

    test('whose connection dies is never a success', async () => {
      const doomed = await connect(host(it, sshd), { wire: it.wire() })
      let closed = 0
      const second = await connect(host(it, sshd), { wire: it.wire(), onClose: () => closed++ })
      const running = second.exec(`${killSshd}; exec sleep 20`, plain)
      await expect(running).rejects.toMatchObject({ kind: 'lost' })
      await expect(second.exec(':', plain)).rejects.toMatchObject({ kind: 'lost' })
      await expect(second.forward('127.0.0.1', sshd.port)).rejects.toMatchObject({ kind: 'lost' })
      expect(closed).toBe(1)
      doomed.close()
      await expect(doomed.exec(':', plain)).rejects.toMatchObject({
        kind: 'lost',
        message: 'the connection was lost: provision closed it',
      })
    })

    test('on an account without a shell is refused with what that said', async () => {
      const forced = await it.sshd({ config: ['ForceCommand echo no shells here >&2; exit 1'] })
      const poor = await connect(host(it, forced), { wire: it.wire() })
      await expect(poor.exec(':', plain)).rejects.toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('did not run the script, exit code 1: no shells here'),
      })
      poor.close()
    })

    test('is refused where sshd opens no sessions', async () => {
      const none = await it.sshd({ config: ['MaxSessions 0'] })
      const poor = await connect(host(it, none), { wire: it.wire() })
      await expect(poor.exec(':', plain)).rejects.toMatchObject({
        kind: 'refused',
        message: 'its sshd opens no session',
      })
      poor.close()
    })
  })

  describe('a forward', () => {
    test('carries bytes, and an ssh login', async () => {
      const wire = it.wire()
      const gateway = await connect(host(it, sshd), { wire })
      const inner = await connect(host(it, sshd, { name: 'inner' }), {
        wire,
        via: 'gateway',
        socket: () => gateway.forward('127.0.0.1', sshd.port),
      })
      expect((await inner.exec('echo inner', plain)).stdout.toString()).toBe('inner\n')
      expect(inner.via).toBe('gateway')
      expect(wire.counts).toEqual({ connections: 2, logins: 2, execs: 1, forwards: 1, retries: 0 })
      inner.close()
      gateway.close()
    })

    test('carries much, both ways, and its end', async () => {
      const bytes = randomBytes(3_000_000)
      const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const channel = await session.forward('127.0.0.1', (server.address() as AddressInfo).port)
      channel.end(bytes)
      expect(Buffer.concat(await channel.toArray()).equals(bytes)).toBe(true)
      server.close()
    })

    test('that sshd does not allow is told from one that nobody answers', async () => {
      const strict = await it.sshd({ config: ['AllowTcpForwarding no'] })
      const poor = await connect(host(it, strict), { wire: it.wire() })
      await expect(poor.forward('127.0.0.1', strict.port)).rejects.toMatchObject({
        kind: 'refused',
        message: expect.stringMatching(/administratively prohibited/),
      })
      poor.close()
    })

    test('is refused in the words of the far end', async () => {
      await expect(session.forward('127.0.0.1', 1)).rejects.toMatchObject({
        kind: 'refused',
        message: '127.0.0.1 port 1: Connection refused',
      })
    })
  })

  test('eight logins leave no process of sshd behind', async () => {
    const count = () => Number(execFileSync('sh', ['-c', `pgrep -P ${sshd.child.pid} | wc -l`]).toString())
    const before = count()
    const many = await Promise.all(Array.from({ length: 8 }, () => connect(host(it, sshd), { wire: it.wire() })))
    expect(count()).toBeGreaterThan(before)
    for (const one of many) one.close()
    await until(() => count() === before)
  })

  test('nobody answers: the error says where and why', async () => {
    const error = await connect(host(it, { port: 1, hostKeys: [] }), { wire: it.wire() }).catch(
      (error: ConnectError) => error,
    )
    expect(error).toMatchObject({
      kind: 'unreachable',
      message: '127.0.0.1 port 1: connection refused: nothing listens there',
    })
  })
})
