import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LoginRefused } from '../../../src/errors.ts'
import { connect } from '../../../src/ssh/session/connect.ts'
import { connections } from '../../../src/ssh/session/connections.ts'
import { bridge } from '../../../src/ssh/session/openssh/bridge.ts'
import { dial } from '../../../src/ssh/session/socket.ts'
import { build as buildDist, root } from '../../dist.ts'
import { freePort, host, type Lab, me, program, type Sshd, sessionTests, until } from './fixture.ts'
import { liar } from './liar.ts'

// What only this transport has to see to, and what it leaves behind.
const plain = { timeoutMs: 10_000, privileged: false }
let it: Lab
let sshd: Sshd
const { login, failure } = sessionTests({ transport: 'openssh' }, (made) => {
  it = made.it
  sshd = made.sshd
})

describe('the system’s ssh', () => {
  const left = () => readdirSync(it.folder).filter((name) => name.startsWith('provision-'))
  const processes = () =>
    execFileSync('ps', ['axww', '-o', 'args='], { encoding: 'utf8' })
      .split('\n')
      .filter((args) => args.startsWith('ssh -F'))
      .filter((args) => args.includes(it.folder))

  beforeAll(() => {
    process.env.TMPDIR = it.folder
  })
  afterAll(() => {
    delete process.env.TMPDIR
  })

  test('has its control socket in a private folder, and all of it is gone with the session', async () => {
    const session = await login()
    expect(left()).toHaveLength(1)
    const folder = join(it.folder, left()[0] ?? '')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readdirSync(folder)).toContain('control')
    expect(processes()).toHaveLength(1)
    session.close()
    await until(() => left().length === 0 && processes().length === 0)
  })

  test('leaves nothing behind a login that came to nothing', async () => {
    await failure({ login: { identityFile: it.keygen('nobody') } })
    const silent = createServer((socket) => socket.on('error', () => undefined))
    const port = await freePort()
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve))
    const stop = new AbortController()
    const going = connect(host(it, { port }), { wire: it.wire(), signal: stop.signal })
    until(() => processes().length === 1).then(() => stop.abort())
    await expect(going).rejects.toMatchObject({ kind: 'unreachable', message: 'cancelled' })
    silent.close()
    await until(() => left().length === 0 && processes().length === 0)
  })

  test.each([
    ['is killed', 'SIGKILL'],
    ['leaves at a second Ctrl-C', 'SIGINT'],
  ] as const)('does not outlive a run that %s', async (_, how) => {
    await buildDist()
    const hanging = await it.sshd({ config: ['ForceCommand exec sleep 60'] })
    const inventory = join(it.folder, `${how}.json`)
    const gateway = { address: '127.0.0.1', port: hanging.port, hostKeys: hanging.hostKeys }
    const login = { user: me, identityFile: it.key, transport: 'openssh' }
    const device = { address: '127.0.0.1', port: 1, via: ['direct'], forwards: ['127.0.0.1:9022:localhost:22'] }
    writeFileSync(inventory, JSON.stringify({ login, gateways: { gw: gateway }, devices: { pi: device } }))
    const words = [join(root, 'bin/provision.js'), inventory, '--check']
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk
    })
    const [master, exec] = [/ -M -N /, / sh -c /]
    const run = (which: RegExp) => processes().filter((args) => which.test(args)).length
    await until(() => run(master) === 1 && run(exec) === 1, 'the login')
    // As a terminal does: to the whole group.
    process.kill(-(child.pid ?? 0), 'SIGINT')
    await until(() => said.includes('interrupted'), 'a first Ctrl-C')
    expect([run(master), run(exec)]).toEqual([1, 1])
    process.kill(-(child.pid ?? 0), how)
    await until(() => processes().length === 0, 'no ssh')
    // Nobody can clear up after a SIGKILL; there is no secret in it.
    await until(() => left().length === (how === 'SIGINT' ? 0 : 1), 'no folder')
    for (const name of left()) rmSync(join(it.folder, name), { recursive: true })
  })

  test.each([
    ['that it refuses the login', [`${me}@127.0.0.1: Permission denied (publickey).`]],
    ['that we are in', ['Authenticated to 127.0.0.1 using "publickey".', 'debug1: Entering interactive session.']],
  ])('is not believed a host that writes into its log %s', async (_, words) => {
    const port = await freePort()
    const lines = ['debug1: SSH2_MSG_NEWKEYS received', ...words]
    const blob = Buffer.from(sshd.hostKeys[0]?.split(' ')[1] ?? '', 'base64')
    const server = liar(blob, lines).listen(port, '127.0.0.1')
    const error = await failure({}, it.wire(), { port, hostKeys: sshd.hostKeys })
    // Nothing that says that the host has proved its key.
    expect(error).toMatchObject({ name: 'ConnectError', kind: 'unreachable' })
    expect(error).not.toBeInstanceOf(LoginRefused)
    const { login: theirs } = host(it, sshd)
    const refused = await failure({ login: { ...theirs, identityFile: it.keygen(`refused-${words.length}`) } })
    expect(refused).toBeInstanceOf(LoginRefused)
    server.close()
  })

  test('says so where it is too old', async () => {
    const bin = join(it.folder, 'bin')
    mkdirSync(bin)
    const words = 'line 17: Bad configuration option: knownhostscommand'
    const said = `$2: ${words}\n$2: terminating, 1 bad configuration options`
    program(join(bin, 'ssh'), `#!/bin/sh\n[ "$1" = -G ] || { printf '%s\\n' "${said}" >&2; exit 255; }\n`)
    expect(await failure({}, it.wire({ env: { HOME: it.folder, PATH: `${bin}:${process.env.PATH}` } }))).toMatchObject({
      kind: 'login',
      message: 'the ssh of this machine is too old: Bad configuration option: knownhostscommand',
      hint: expect.stringContaining('OpenSSH 8.5'),
    })
  })

  test('is told no secret by its arguments', async () => {
    const session = await login({}, it.wire({ sudoPassword: 'geheim-17' }))
    const { stdout } = await session.exec('ps axww -o args=', { ...plain, privileged: true })
    expect(stdout.toString()).toContain('ssh -F')
    expect(stdout.toString()).not.toContain('geheim-17')
  })

  test('reads no ssh_config of its own: its programs and forwards are not started', async () => {
    const config = join(it.folder, 'config-with-more')
    const port = await freePort()
    writeFileSync(
      config,
      `Host *\n PermitLocalCommand yes\n LocalCommand touch ${it.folder}/ran\n LocalForward ${port} localhost:1\n RemoteCommand false\n ControlPath ${it.folder}/theirs\n`,
    )
    const session = await login({}, it.wire({ sshConfig: config }))
    expect((await session.exec('echo here', plain)).stdout.toString()).toBe('here\n')
    await expect(dial({ host: '127.0.0.1', port, timeoutMs: 1000, connections: connections() })).rejects.toMatchObject({
      kind: 'unreachable',
    })
    expect([existsSync(join(it.folder, 'ran')), existsSync(join(it.folder, 'theirs'))]).toEqual([false, false])
  })

  test('keeps to the algorithms of the user’s ssh_config', async () => {
    const config = join(it.folder, 'config-algorithms')
    writeFileSync(config, 'Host *\n KexAlgorithms diffie-hellman-group16-sha512\n')
    const narrow = await it.sshd({ config: ['KexAlgorithms curve25519-sha256'] })
    expect(await failure({}, it.wire({ sshConfig: config }), narrow)).toMatchObject({
      kind: 'login',
      hint: expect.stringContaining('ssh_config'),
    })
  })

  test.skipIf(process.getuid?.() !== 0)('goes over a bridge that nobody else may take', async () => {
    const far = await dial({ host: '127.0.0.1', port: sshd.port, timeoutMs: 5000, connections: connections() })
    const way = await bridge(far)
    const script = `require('net').connect(${way.port}, '127.0.0.1').on('data', () => process.exit(7)).on('close', () => process.exit(3)).on('error', () => {})`
    const thief = spawn(process.execPath, ['-e', script], { uid: 65534, gid: 65534 })
    expect(await new Promise((resolve) => thief.once('exit', resolve))).toBe(3)
    const ours = await dial({ host: '127.0.0.1', port: way.port, timeoutMs: 5000, connections: connections() })
    const greeting = await new Promise<Buffer>((resolve) => ours.once('data', resolve))
    expect(greeting.toString()).toMatch(/^SSH-2\.0-/)
    way.close()
  })
})
