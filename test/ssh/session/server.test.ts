import { writeFileSync } from 'node:fs'
import { createServer, connect as dial, type Server } from 'node:net'
import { Duplex } from 'node:stream'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../../src/ssh/session/connect.ts'
import { freePort, host, type Lab, type Sshd, sessionTests, transports, until } from './fixture.ts'

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let sshd: Sshd
  const { login, failure } = sessionTests({ transport, hostKeys: ['ed25519', 'rsa'] }, (made) => {
    it = made.it
    sshd = made.sshd
  })
  beforeEach(() => writeFileSync(it.knownHosts, ''))

  describe('a server', () => {
    const servers: Server[] = []
    afterAll(() => {
      for (const server of servers) server.close()
    })
    async function fake(onConnection: (index: number) => string | 'silence' | 'pass') {
      const port = await freePort()
      let count = 0
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        const act = onConnection(count++)
        if (act === 'silence') return
        if (act !== 'pass') return void socket.end(act)
        const real = dial(sshd.port, '127.0.0.1').on('error', () => undefined)
        socket.pipe(real).pipe(socket)
      })
      servers.push(server)
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
      return { port, hostKeys: sshd.hostKeys, count: () => count }
    }

    test('that hangs up first (MaxStartups) is tried again, with jitter', async () => {
      const server = await fake((index) => (index < 2 ? 'Exceeded MaxStartups\r\n' : 'pass'))
      const slept: number[] = []
      const wire = it.wire({ random: () => 0.25, sleep: async (ms) => slept.push(ms) })
      await login({}, wire, server)
      expect(slept).toEqual([75, 150])
      expect(wire.counts).toMatchObject({ connections: 3, retries: 2, logins: 1 })
    })

    test('that always hangs up first is given up after three more tries', async () => {
      const server = await fake(() => 'Exceeded MaxStartups\r\n')
      expect(await failure({}, it.wire({ sleep: async () => undefined }), server)).toMatchObject({
        kind: 'unreachable',
        message: 'the host closed the connection before it identified itself; it sent "Exceeded MaxStartups"',
      })
      expect(server.count()).toBe(4)
    })

    test('that penalises our network says so, and is left alone', async () => {
      const server = await fake(() => 'Not allowed at this time\r\n')
      expect(await failure({}, it.wire({ sleep: async () => undefined }), server)).toMatchObject({
        kind: 'unreachable',
        hint: expect.stringContaining('PerSourcePenalties'),
      })
      expect(server.count()).toBe(1)
    })

    test('that goes half way, ends its side and leaves ours open, is lost at once', async () => {
      const open = async () => {
        const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
        socket.push('SSH-2.0-half\r\n')
        setImmediate(() => socket.push(null))
        return socket
      }
      const began = performance.now()
      const going = connect(host(it, sshd), { wire: it.wire({ connectTimeoutMs: 60_000 }), socket: open })
      await expect(going).rejects.toMatchObject({ kind: 'unreachable' })
      expect(performance.now() - began).toBeLessThan(10_000)
    })

    test('that never speaks is unreachable after the timeout', async () => {
      const server = await fake(() => 'silence')
      expect(await failure({}, it.wire({ connectTimeoutMs: 200 }), server)).toMatchObject({
        kind: 'unreachable',
        message: 'the port accepts the connection, but the host sends nothing for 0.2 s',
      })
    })

    test('with only algorithms that we lack says so', async () => {
      const old = await it.sshd({ config: ['KexAlgorithms diffie-hellman-group14-sha1'] })
      expect(await failure({}, it.wire(), old)).toMatchObject({
        kind: 'login',
        message: expect.stringMatching(
          /^its sshd and provision have no algorithm in common: no matching key exchange (algorithm|method)/,
        ),
        hint: expect.stringContaining('KexAlgorithms'),
      })
    })

    test('is left when the run is given up', async () => {
      const server = await fake(() => 'silence')
      const stop = new AbortController()
      const going = connect(host(it, server), { wire: it.wire(), signal: stop.signal })
      until(() => server.count() === 1).then(() => stop.abort())
      await expect(going).rejects.toMatchObject({ kind: 'unreachable', message: 'cancelled' })
    })
  })
})
