import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, connect as dial, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ConnectError } from '../../src/errors.ts'
import { fingerprintOf, openPins } from '../../src/pins.ts'
import { connect, type Session, type Wire } from '../../src/session.ts'
import { freePort, type HostOptions, host, type Lab, lab, me, type Sshd, until } from './fixture.ts'

let it: Lab
let sshd: Sshd
beforeAll(async () => {
  it = lab()
  sshd = await it.sshd({ hostKeys: ['ed25519', 'rsa'] })
})
afterAll(() => it.end())
beforeEach(() => writeFileSync(it.knownHosts, ''))

const open: Session[] = []
afterEach(() => {
  for (const session of open.splice(0)) session.close()
})
async function login(
  more: HostOptions = {},
  wire: Wire = it.wire(),
  to: { port: number; hostKeys?: readonly string[] } = sshd,
) {
  const session = await connect(host(it, to, more), { wire })
  open.push(session)
  return session
}
const failure = (...words: Parameters<typeof login>) =>
  login(...words).then(
    () => expect.fail('a login'),
    (error: ConnectError) => error,
  )
const print = (index: number) => fingerprintOf(sshd.hostKeys[index] ?? '')

describe('a host key', () => {
  test('pinned in the inventory, as a key or as a fingerprint, is taken', async () => {
    expect((await login()).hostKey).toBe(sshd.hostKeys[0])
    expect((await login({ pins: [print(0)] })).hostKey).toBe(sshd.hostKeys[0])
  })

  test('of which only the RSA one is pinned is asked for by type', async () => {
    expect((await login({ pins: [sshd.hostKeys[1] ?? ''] })).hostKey).toBe(sshd.hostKeys[1])
  })

  test('in a hashed known_hosts is found', async () => {
    writeFileSync(it.knownHosts, `host-a.lan.internal ${sshd.hostKeys[1]}\n`)
    execFileSync('ssh-keygen', ['-Hf', it.knownHosts], { stdio: 'ignore' })
    expect((await login({ pins: [] })).hostKey).toBe(sshd.hostKeys[1])
  })

  test('that is unknown is refused before anything of ours is sent', async () => {
    const before = sshd.log().length
    expect(await failure({ pins: [] })).toMatchObject({
      kind: 'unknown-host-key',
      message: expect.stringContaining(print(0)),
    })
    expect(sshd.log().slice(before)).not.toContain('publickey')
    expect(readFileSync(it.knownHosts, 'utf8')).toBe('')
  })

  test('that is unknown is pinned when the user says so, and asked for once', async () => {
    const asked: string[] = []
    const wire = it.wire({
      pins: openPins({
        file: it.knownHosts,
        onUnknown: async (at, key) => asked.push(`${at.name} ${key.fingerprint}`) > 0,
      }),
    })
    await Promise.all([login({ pins: [] }, wire), login({ pins: [] }, wire)])
    await login({ pins: [] }, wire)
    expect(asked).toEqual([`host-a.lan.internal ${print(0)}`])
    expect(readFileSync(it.knownHosts, 'utf8')).toBe(`host-a.lan.internal ${sshd.hostKeys[0]}\n`)
  })

  test('that has changed is refused, whoever asks', async () => {
    const other = readFileSync(`${it.key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
    const wire = it.wire({ pins: openPins({ file: it.knownHosts, onUnknown: async () => true }) })
    expect(await failure({ pins: [other] }, wire)).toMatchObject({
      kind: 'changed-host-key',
      message: expect.stringContaining(
        `it showed ssh-ed25519 ${print(0)}, pinned is ssh-ed25519 ${fingerprintOf(other)}`,
      ),
    })
    expect(await failure({ pins: [fingerprintOf(other)] }, wire)).toMatchObject({ kind: 'changed-host-key' })
  })

  test('that has changed is taken when the user named the host', async () => {
    const other = readFileSync(`${it.key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
    writeFileSync(it.knownHosts, `host-a.lan.internal ${other}\n`)
    const pins = openPins({ file: it.knownHosts, acceptNew: new Set(['host-a.lan.internal']) })
    await login({ pins: [] }, it.wire({ pins }))
    expect(readFileSync(it.knownHosts, 'utf8')).toBe(`host-a.lan.internal ${sshd.hostKeys[0]}\n`)
  })

  test('that is revoked is refused', async () => {
    writeFileSync(it.knownHosts, `host-a.lan.internal ${sshd.hostKeys[0]}\n@revoked * ${sshd.hostKeys[0]}\n`)
    expect(await failure({ pins: [] })).toMatchObject({
      kind: 'changed-host-key',
      message: expect.stringContaining('@revoked'),
    })
  })
})

describe('a login', () => {
  test('that is refused is not tried again, and says what was offered', async () => {
    const stranger = it.keygen('stranger')
    const wire = it.wire()
    const before = sshd.log().length
    expect(await failure({ login: { identityFile: stranger } }, wire)).toMatchObject({
      kind: 'login',
      message: `the login as ${me} was refused`,
      hint: expect.stringContaining(`offered: ${stranger} ${fingerprintOf(readFileSync(`${stranger}.pub`, 'utf8'))}`),
    })
    expect(wire.counts).toMatchObject({ connections: 1, retries: 0, logins: 0 })
    expect(
      sshd
        .log()
        .slice(before)
        .match(/Connection from/g),
    ).toHaveLength(1)
    expect(
      sshd
        .log()
        .slice(before)
        .match(/Failed publickey/g),
    ).toHaveLength(1)
  })

  test('with a locked key and no agent says to ssh-add it', async () => {
    const locked = it.keygen('locked', '-N', 'geheim', '-a', '1')
    const error = await failure({ login: { identityFile: locked } })
    expect(error).toMatchObject({ kind: 'login', hint: expect.stringContaining(`\`ssh-add ${locked}\` first`) })
    expect(error.hint).toContain('there was no key to offer')
  })

  test('with a key that is not there says so', async () => {
    expect((await failure({ login: { identityFile: '/nowhere/key' } })).hint).toContain(
      '/nowhere/key: there is no such key file',
    )
  })

  test('with an RSA key signs without SHA-1', async () => {
    const key = it.keygen('rsa-client', '-t', 'rsa', '-b', '2048')
    const modern = await it.sshd({ authorized: [key] })
    expect(await login({ login: { identityFile: key } }, it.wire(), modern)).toBeDefined()
  })

  test('offers what ~/.ssh/config names, each once and at most five', async () => {
    const keys = Array.from({ length: 7 }, (_, index) => it.keygen(`many-${index}`))
    const config = join(it.folder, 'config')
    writeFileSync(config, [...keys, ...keys].map((key) => `IdentityFile ${key}\n`).join(''))
    const before = sshd.log().length
    const hostA = host(it, sshd)
    const { identityFile: _, ...bare } = hostA.login
    const error = await connect({ ...hostA, login: bare }, { wire: it.wire({ sshConfig: config }) }).catch(
      (error: ConnectError) => error,
    )
    expect(error).toMatchObject({ kind: 'login' })
    expect(
      sshd
        .log()
        .slice(before)
        .match(/Failed publickey/g),
    ).toHaveLength(5)
  })

  test('takes user, host name and port from ~/.ssh/config', async () => {
    const config = join(it.folder, 'config-2')
    writeFileSync(
      config,
      `Host host-a*\n User ${me}\n HostName 127.0.0.1\n Port ${sshd.port}\n IdentityFile ~/client\n`,
    )
    const { address: _a, port: _p, ...bare } = host(it, sshd)
    const session = await connect({ ...bare, login: { sudo: true } }, { wire: it.wire({ sshConfig: config }) })
    open.push(session)
    expect((await session.exec('echo yes', { timeoutMs: 5000, privileged: false })).stdout.toString()).toBe('yes\n')
  })

  test('works where there is no ssh program at all', async () => {
    const wire = it.wire({ env: { HOME: it.folder, PATH: '/nowhere' } })
    expect(await wire.userConfig('host-a')).toMatchObject({
      hostname: 'host-a',
      port: 22,
      user: me,
      identityFiles: ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(it.folder, '.ssh', name)),
    })
    expect(await login({}, wire)).toBeDefined()
  })
})

describe('an agent', () => {
  const socket = () => join(it.folder, 'agent')
  beforeAll(async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', socket()], { stdio: 'ignore' })
    agents.push(agent)
    await until(() => succeeds(() => execFileSync('ssh-add', ['-l'], { env: env(), stdio: 'ignore' }), 1), 'the agent')
  })
  const agents: ReturnType<typeof spawn>[] = []
  afterAll(() => {
    for (const agent of agents) agent.kill()
  })
  const env = () => ({ HOME: it.folder, PATH: process.env.PATH, SSH_AUTH_SOCK: socket() })
  const add = (key: string) => execFileSync('ssh-add', ['-q', key], { env: env() })

  test('gives its keys, and the one that was named first of all', async () => {
    for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) add(it.keygen(`agent-${name}`))
    const key = it.keygen('agent-seven')
    add(key)
    renameSync(key, `${key}.away`)
    const other = await it.sshd({ authorized: [key] })
    const wire = it.wire({ env: env() })
    for (const identityFile of [key, `${key}.pub`])
      expect(await login({ login: { identityFile } }, wire, other)).toBeDefined()
    expect(other.log()).not.toContain('Failed publickey')
    const bare = host(it, other)
    const error = await connect({ ...bare, login: { user: me, sudo: true } }, { wire }).catch(
      (error: ConnectError) => error,
    )
    expect(error).toMatchObject({ kind: 'login' })
    expect(other.log().match(/Failed publickey/g)).toHaveLength(5)
  })

  test('that is gone holds no keys', async () => {
    const wire = it.wire({ env: { ...env(), SSH_AUTH_SOCK: join(it.folder, 'gone') } })
    expect(await login({}, wire)).toBeDefined()
  })

  test('unlocks a key with a passphrase', async () => {
    const key = it.keygen('locked-2', '-N', 'geheim', '-a', '1')
    const asker = join(it.folder, 'asker')
    writeFileSync(asker, '#!/bin/sh\necho geheim\n', { mode: 0o755 })
    execFileSync('ssh-add', ['-q', key], {
      env: { ...env(), SSH_ASKPASS: asker, SSH_ASKPASS_REQUIRE: 'force' },
      stdio: 'ignore',
    })
    const other = await it.sshd({ authorized: [key] })
    expect(await login({ login: { identityFile: key } }, it.wire({ env: env() }), other)).toBeDefined()
    renameSync(`${key}.pub`, `${key}.pub.away`)
    expect(await login({ login: { identityFile: key } }, it.wire({ env: env() }), other)).toBeDefined()
  })
})

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
      message: 'hung up before it said who it is; it said "Exceeded MaxStartups"',
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

  test('that never speaks is unreachable after the timeout', async () => {
    const server = await fake(() => 'silence')
    expect(await failure({}, it.wire({ connectTimeoutMs: 200 }), server)).toMatchObject({
      kind: 'unreachable',
      message: 'accepts, but says nothing for 0.2 s',
    })
  })

  test('with only algorithms that we lack says so', async () => {
    const old = await it.sshd({ config: ['KexAlgorithms diffie-hellman-group14-sha1'] })
    expect(await failure({}, it.wire(), old)).toMatchObject({
      kind: 'login',
      message: 'no common ground to speak ssh on: no matching key exchange algorithm',
      hint: expect.stringContaining('KexAlgorithms'),
    })
  })

  test('is left when the run is given up', async () => {
    const server = await fake(() => 'silence')
    const stop = new AbortController()
    const going = connect(host(it, server), { wire: it.wire(), signal: stop.signal })
    until(() => server.count() === 1).then(() => stop.abort())
    await expect(going).rejects.toMatchObject({ kind: 'unreachable', message: 'given up' })
  })
})

/** Ran, with an exit code up to this one. */
function succeeds(run: () => unknown, most: number): boolean {
  try {
    run()
    return true
  } catch (error) {
    return error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status <= most
  }
}
