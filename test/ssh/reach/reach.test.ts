import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { routesTo } from '../../../src/ssh/reach/reach.ts'
import { parseJump } from '../../../src/ssh/user-config/jump.ts'
import { freePort, host, type Lab, lab, me, type Sshd, transports, until } from '../session/fixture.ts'
import { reaching } from './fixture.ts'

describe.each(transports)('over %s', (transport) => {
  const plain = { timeoutMs: 5000, privileged: false }
  let it: Lab
  let gatewaySshd: Sshd
  let deviceSshd: Sshd
  let silent: { readonly port: number; readonly server: Server }
  beforeAll(async () => {
    it = lab(transport)
    gatewaySshd = await it.sshd()
    deviceSshd = await it.sshd()
    const port = await freePort()
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(port, '127.0.0.1')
    silent = { port, server }
  })
  afterAll(() => {
    silent.server.close()
    it.end()
  })

  const { gateway, device, context, go, failure, closeAll } = reaching(() => ({ it, gatewaySshd, deviceSshd }))
  afterEach(closeAll)

  describe('a way in', () => {
    test('is the first that works', async () => {
      const alone = () => context({ staggerMs: 60_000 })
      expect((await go(device(), alone())).via).toBe('direct')
      expect((await go(device({ via: ['forward', 'direct'] }), alone())).via).toBe('forward')
      expect((await go(gateway(), alone())).via).toBe('direct')
    })

    test('is the next at once where the first is refused', async () => {
      const began = performance.now()
      const session = await go(device({ port: 1 }), context({ staggerMs: 9000 }))
      expect(session.via).toBe('forward')
      expect((await session.exec('echo here', plain)).stdout.toString()).toBe('here\n')
      expect(performance.now() - began).toBeLessThan(8000)
    })

    test('gets company where it is slow, and the other wins', async () => {
      const session = await go(device({ port: silent.port }), context({ staggerMs: 50 }))
      expect(session.via).toBe('forward')
      await until(() => new Promise((done) => silent.server.getConnections((_, count) => done(count === 0))), 'closed')
    })

    test('may lead through a gateway by name', async () => {
      const session = await go(device({ via: ['ssh-gw'] }), context())
      expect(session.via).toBe('ssh-gw')
      expect(session.hostKey).toBe(deviceSshd.hostKeys[0])
    })

    test('may lead through a gateway that the other transport logs in to', async () => {
      const other = transport === 'openssh' ? 'node-ssh' : 'openssh'
      const mixed = context({
        wire: it.wire({ transport: undefined }),
        gateway: gateway({ login: { transport: other } }),
      })
      const session = await go(device({ via: ['forward'], login: { transport } }), mixed)
      expect((await session.exec('head -c 300000 /dev/zero', plain)).stdout.length).toBe(300_000)
      expect(mixed.wire.counts).toMatchObject({ logins: 2, forwards: 1 })
    })

    test('through the gateway shares one login there', async () => {
      const shared = context()
      const devices = Array.from({ length: 6 }, (_, index) => device({ name: `host-${index}`, via: ['forward'] }))
      await Promise.all(devices.map((one) => go(one, shared)))
      expect(shared.wire.counts).toMatchObject({ connections: 7, logins: 7, forwards: 6 })
    })

    test('can be gone again, afresh, after the gateway lost us', async () => {
      const shared = context()
      const first = await go(device({ via: ['direct', 'forward'], port: 1 }), shared)
      const logins = shared.wire.counts.logins
      await go(device(), shared, { along: [first.via] })
      expect(shared.wire.counts.logins).toBe(logins + 1)
      shared.jumps.closeAll()
      const fresh = context()
      await go(device({ via: ['forward'] }), fresh)
      // What a restart of the gateway's sshd does to the shared session.
      const jump = await fresh.jumps.get('gateway ssh-gw', () => expect.fail('it is there'))
      jump.close()
      expect((await go(device(), fresh, { along: ['forward'] })).via).toBe('forward')
    })

    test('that is a forward to something else than its own sshd is none', () => {
      const one = device()
      const web = one.forwards.map((forward) => ({ ...forward, hostPort: 80 }))
      expect(routesTo({ ...one, forwards: web })).toEqual(['direct'])
      expect(routesTo(one)).toEqual(['direct', 'forward'])
      expect(routesTo(gateway())).toEqual(['direct'])
    })

    test('that is a forward is one for each gateway that has one, and the next where a gateway is gone', async () => {
      const one = device({ via: ['forward'] })
      const [there] = one.forwards
      if (!there) throw new Error('no forward')
      const gone = { ...gateway(), name: 'gone', port: 1 }
      const both = { ...one, forwards: [{ ...there, gateway: 'gone' }, there, { ...there, port: there.port + 1 }] }
      const ways = ['forward on gone', `forward on ${there.gateway}`]
      expect(routesTo(both)).toEqual(ways)
      const known = context()
      const session = await go(both, { ...known, gateways: [...known.gateways, gone] })
      expect(session.via).toBe(ways[1])
    })
  })

  describe('a failure', () => {
    test('of every way lists them all', async () => {
      expect(await failure(device({ port: 1, forwardPort: 2 }), context())).toMatchObject({
        kind: 'unreachable',
        message:
          'no route worked (direct: 127.0.0.1 port 1: connection refused: nothing listens there; ' +
          'forward: 127.0.0.1 port 2: Connection refused)',
        hint: expect.stringContaining('is the host switched on'),
      })
    })

    test('of the host itself ends the search', async () => {
      const shared = context()
      const stranger = it.keygen('stranger')
      expect(await failure(device({ login: { identityFile: stranger } }), shared)).toMatchObject({ kind: 'login' })
      expect(await failure(device({ pins: gatewaySshd.hostKeys }), shared)).toMatchObject({ kind: 'changed-host-key' })
      expect(await failure(device({ pins: [] }), shared)).toMatchObject({ kind: 'unknown-host-key' })
      expect(shared.wire.counts).toMatchObject({ connections: 3, forwards: 0 })
    })

    test('of the gateway is not the device’s', async () => {
      const stranger = it.keygen('stranger-2')
      const closed = context({ gateway: gateway({ login: { identityFile: stranger } }) })
      expect(await failure(device({ port: 1 }), closed)).toMatchObject({
        kind: 'unreachable',
        message: expect.stringContaining(`forward: ssh-gw: the login as ${me} was refused`),
        hint: expect.stringContaining(stranger),
      })
      const others = ['host-b', 'host-c'].map((name) => failure(device({ name, port: 1 }), closed))
      expect(await Promise.all(others)).toMatchObject([{ kind: 'unreachable' }, { kind: 'unreachable' }])
      // Two ways for each of three devices, and one refused login at the gateway for all.
      expect(closed.wire.counts).toMatchObject({ connections: 6 + 1, logins: 0 })
    })

    test('to be the right device behind the forward is told only if nothing else works', async () => {
      const wrong = { forwardPort: gatewaySshd.port, via: ['forward', 'direct'] }
      expect((await go(device(wrong), context())).via).toBe('direct')
      expect(await failure(device({ ...wrong, port: 1 }), context())).toMatchObject({ kind: 'changed-host-key' })
    })

    test('is given up with the run', async () => {
      const stop = new AbortController()
      const going = failure(device({ port: silent.port, via: ['direct'] }), context(), { signal: stop.signal })
      setImmediate(() => stop.abort())
      expect(await going).toMatchObject({ kind: 'unreachable', message: 'cancelled' })
    })
  })

  describe('the user’s own ssh_config', () => {
    const wireWith = (text: string, known = '') => {
      const config = join(it.folder, `config-${Math.abs(text.length * 31 + known.length)}`)
      writeFileSync(config, text)
      writeFileSync(it.knownHosts, known)
      return it.wire({ sshConfig: config })
    }
    const hop = () =>
      `Host hop\n HostName 127.0.0.1\n Port ${gatewaySshd.port}\n User ${me}\n IdentityFile ${it.key}\n IdentitiesOnly yes\n`

    test('leads through its ProxyJump, hop by hop, each with its pinned key', async () => {
      const known = `hop ${gatewaySshd.hostKeys[0]}\ndeep ${deviceSshd.hostKeys[0]}\n`
      const deep = hop()
        .replace('Host hop', 'Host deep')
        .replace(/Port \d+/, `Port ${deviceSshd.port}`)
      const wire = wireWith(`${hop()}${deep}Host host-a\n ProxyJump hop,${me}@deep\n`, known)
      const session = await go(device({ via: ['direct'] }), context({ wire }))
      expect(session.via).toBe('direct')
      expect(wire.counts).toMatchObject({ logins: 3, forwards: 2 })
    })

    test('whose hop is unknown says which', async () => {
      const wire = wireWith(`${hop()}Host host-a\n ProxyJump hop\n`)
      expect(await failure(device({ via: ['direct'] }), context({ wire }))).toMatchObject({
        kind: 'unknown-host-key',
        message: expect.stringContaining('hop: the host key of'),
      })
    })

    test('that leads to a forward which the inventory does not have is one more way, and never `direct`', async () => {
      const config = join(it.folder, 'config-by-hand')
      writeFileSync(config, `Host host-a\n HostName localhost\n Port ${deviceSshd.port}\n ProxyJump ssh-gw\n`)
      const one = device({ port: 1, forwardPort: 2 })
      const inventory = { file: 'a.json', directory: '/', gateways: [gateway()], devices: [one] }
      const shared = context({ wire: it.wire({ sshConfig: config, inventory }) })
      const session = await go(one, shared)
      expect(session.via).toBe(`forward on ssh-gw at localhost:${deviceSshd.port}`)
      expect((await go(one, shared, { along: [session.via] })).hostKey).toBe(deviceSshd.hostKeys[0])
      const failed = await failure(one, shared, { along: ['direct'] })
      expect(failed).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('127.0.0.1 port 1: ') })
    })

    test('with a ProxyCommand is refused with a way out', async () => {
      const wire = wireWith('Host host-a\n ProxyCommand nc %h %p\n')
      expect(await failure(device({ via: ['direct'] }), context({ wire }))).toMatchObject({
        kind: 'unreachable',
        message: 'your ssh_config sets a ProxyCommand for host-a, which cannot be used here',
        hint: 'write ProxyJump instead, or name a gateway under "via"',
      })
      expect((await go(device(), context({ wire }))).via).toBe('forward')
    })

    test.each([
      ['hop', { host: 'hop' }],
      ['me@hop:2222', { user: 'me', host: 'hop', port: 2222 }],
      ['ssh://me@hop:2222/', { user: 'me', host: 'hop', port: 2222 }],
      ['[2001:db8::1]:22', { host: '2001:db8::1', port: 22 }],
      ['2001:db8::1', { host: '2001:db8::1' }],
    ])('reads the jump %s', (text, expected) => {
      expect(parseJump(text)).toEqual(expected)
    })
  })

  test('no more than eight logins are under way at one stock sshd, and all come through', async () => {
    const stock = await it.sshd()
    const shared = context({ forks: 40 })
    const one = host(it, stock, { name: 'busy' })
    const all = Promise.all(Array.from({ length: 24 }, () => go(one, shared)))
    await until(() => shared.handshakes('busy').activeCount > 0)
    expect([shared.handshakes('busy').activeCount, shared.handshakes('busy').pendingCount]).toEqual([8, 16])
    expect(await all).toHaveLength(24)
  })
})
