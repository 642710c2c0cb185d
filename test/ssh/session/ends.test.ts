import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connected } from '../../../src/commands/shared/context.ts'
import { ConnectError, ProvisionError } from '../../../src/errors.ts'
import { fetchHostKey } from '../../../src/ssh/reach/fetch-host-key.ts'
import { type ReachContext, reach } from '../../../src/ssh/reach/reach.ts'
import { connect } from '../../../src/ssh/session/connect.ts'
import { firstBytes } from '../../../src/verify/first-bytes.ts'
import { parse } from '../../inventory/parse.ts'
import { reaching } from '../reach/fixture.ts'
import { freePort, host, type Lab, lab, type Sshd, transports, until } from './fixture.ts'
import { type SlowLink, slowLink } from './slow.ts'

// When a command has told its report, nothing of the wire may keep its process alive: node says what does.

/** How many there are of each kind that holds the process. */
function holding(): Map<string, number> {
  const found = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) found.set(kind, (found.get(kind) ?? 0) + 1)
  return found
}

/** It takes no second; but other tests may run beside this one. */
const maxHoldMs = 5000

type Begin = (context: ReachContext, say: () => void) => Promise<unknown>

const more = (now: Map<string, number>, before: Map<string, number>) =>
  [...now].flatMap(([kind, count]) =>
    count > (before.get(kind) ?? 0) ? [`${count - (before.get(kind) ?? 0)} ${kind}`] : [],
  )

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let gatewaySshd: Sshd
  let deviceSshd: Sshd
  let slowGateway: SlowLink
  let slowDevice: SlowLink
  let silent: { readonly port: number; readonly server: Server }
  beforeAll(async () => {
    it = lab(transport)
    gatewaySshd = await it.sshd()
    deviceSshd = await it.sshd()
    slowGateway = await slowLink(gatewaySshd.port, 40)
    slowDevice = await slowLink(deviceSshd.port, 40)
    const port = await freePort()
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(port, '127.0.0.1')
    silent = { port, server }
  })
  afterAll(() => {
    slowGateway.close()
    slowDevice.close()
    silent.server.close()
    it.end()
  })

  const { gateway, device, context, closeAll } = reaching(() => ({ it, gatewaySshd, deviceSshd }))
  afterEach(closeAll)
  const slow = () => ({ ...gateway(), port: slowGateway.port })

  /**
   * Begins something, ends all at that moment (so many ms later, or when it says so), and waits for what is left.
   */
  async function endedAfter(at: number | 'its word', begin: Begin, how: ReachContext) {
    const before = holding()
    let say = () => {}
    const word = new Promise<void>((resolve) => {
      say = resolve
    })
    const end = begin(how, say).then(
      () => 'done',
      (error: unknown) => (error instanceof ProvisionError ? 'given up' : Promise.reject(error)),
    )
    await (at === 'its word' ? word : wait(at))
    how.wire.connections.closeAll()
    const ended = performance.now()
    let left: string[] = []
    await until(() => {
      left = more(holding(), before)
      return left.length === 0 || performance.now() - ended > maxHoldMs
    })
    expect(left, `after ${at}`).toEqual([])
    return end
  }

  const login = (one: ReturnType<typeof device>) => (shared: ReachContext) => reach(one, shared)
  const moments = [0, 20, 60, 150, 300, 500, 900]

  test('a login that is ended at any moment holds nothing', async () => {
    for (const ms of moments) await endedAfter(ms, login(device({ port: slowDevice.port, via: ['direct'] })), context())
  }, 60_000)

  test('nor does one through a gateway, whose own session is being opened', async () => {
    for (const ms of moments) {
      const shared = context({ gateway: slow() })
      await endedAfter(ms, login(device({ forwardPort: slowDevice.port, via: ['forward'] })), shared)
    }
  }, 60_000)

  test('nor do those that have lost the race', async () => {
    const begin: Begin = async (shared, say) => {
      const session = await reach(device({ forwardPort: slowDevice.port, via: ['forward', 'direct'] }), shared)
      session.close()
      say()
    }
    expect(await endedAfter('its word', begin, context({ gateway: slow(), staggerMs: 10 }))).toBe('done')
    for (const ms of moments) await endedAfter(ms, begin, context({ gateway: slow(), staggerMs: 10 }))
  }, 60_000)

  test('nor does a host that accepts and never says a word', async () => {
    expect(await endedAfter(100, login(device({ port: silent.port, via: ['direct'] })), context())).toBe('given up')
    const through = device({ forwardPort: silent.port, via: ['forward'] })
    expect(await endedAfter(500, login(through), context())).toBe('given up')
    const key = (shared: ReachContext) => fetchHostKey(device({ port: silent.port }), ['direct'], shared)
    expect(await endedAfter(100, key, context())).toBe('given up')
  }, 60_000)

  test('nor does a script that does not end, or a channel that stays silent', async () => {
    const script: Begin = async (shared, say) => {
      const session = await reach(device({ via: ['direct'] }), shared)
      setImmediate(say)
      await session.exec('sleep 300', { timeoutMs: 300_000, privileged: false })
    }
    expect(await endedAfter('its word', script, context())).toBe('given up')
    const channel: Begin = async (shared, say) => {
      const session = await reach(device({ via: ['direct'] }), shared)
      const open = await session.forward('127.0.0.1', silent.port)
      say()
      return firstBytes(open, 300_000)
    }
    expect(await endedAfter('its word', channel, context())).toBe('done')
  }, 60_000)

  test('a run that was given up before leaves nothing behind either', async () => {
    const stop = new AbortController()
    const begin = (shared: ReachContext) =>
      reach(device({ forwardPort: slowDevice.port, via: ['forward'] }), shared, { signal: stop.signal })
    setTimeout(() => stop.abort(), 150)
    expect(await endedAfter(300, begin, context({ gateway: slow() }))).toBe('given up')
  })

  test('after the end nothing is opened any more', async () => {
    const { wire } = context()
    wire.connections.closeAll()
    const connections = wire.counts.connections
    const error = await connect(host(it, gatewaySshd), { wire }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ConnectError)
    expect(wire.counts.connections - connections).toBeLessThanOrEqual(1)
  })
})

describe('a command', () => {
  let it: Lab
  let sshd: Sshd
  beforeAll(async () => {
    it = lab()
    sshd = await it.sshd()
    process.env.PROVISION_KNOWN_HOSTS = it.knownHosts
  })
  afterAll(() => {
    delete process.env.PROVISION_KNOWN_HOSTS
    it.end()
  })
  const words = { timeout: 5, askSudoPassword: false, transport: undefined }

  test('whose work throws in the midst of it ends all that it has open', async () => {
    const before = holding()
    const one = host(it, sshd)
    const { pins } = it.wire()
    for (const text of sshd.hostKeys) {
      const [type = '', base64 = ''] = text.split(' ')
      await pins.add(one, { type, blob: Buffer.from(base64, 'base64') })
    }
    const broken = connected(parse('{ "gateways": { "gw": {} } }'), words, async (context) => {
      const session = await connect(one, context)
      void session.exec('sleep 300', { timeoutMs: 300_000, privileged: false }).catch(() => undefined)
      void connect(one, context).catch(() => undefined)
      throw new TypeError('a fault of a playbook')
    })
    await expect(broken).rejects.toThrow('a fault of a playbook')
    let left: string[] = []
    await until(() => {
      left = more(holding(), before)
      return left.length === 0
    }, `${left}`)
  })

  test('does not wait for what the user’s ssh_config runs', async () => {
    const before = holding()
    const [sshConfig, begun] = [join(it.folder, 'slow-config'), join(it.folder, 'begun')]
    writeFileSync(sshConfig, `Match exec "echo $$ >${begun}; exec sleep 300"\n User nobody\n`)
    const wire = it.wire({ sshConfig })
    const asked = wire.userConfig('host-a')
    await until(() => existsSync(begun) && readFileSync(begun, 'utf8').endsWith('\n'))
    wire.connections.closeAll()
    expect((await asked).hostname).toBe('host-a')
    await until(() => more(holding(), before).length === 0)
    const sleeper = Number(readFileSync(begun, 'utf8'))
    await until(() => !existsSync(`/proc/${sleeper}`), 'what was run has ended')
  })
})
