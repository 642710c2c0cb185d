import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LoginRefused } from '../../src/errors.ts'
import { bridge } from '../../src/session/openssh/bridge.ts'
import { dial } from '../../src/session/socket.ts'
import { connect } from '../../src/session.ts'
import { build as buildDist, root } from '../dist.ts'
import { fakeKey, freePort, host, type Lab, lab, logins, me, program, type Sshd, until } from './fixture.ts'
import { liar } from './liar.ts'

// What only OpenSSH can do, what node-ssh says about it, and what OpenSSH leaves behind.
const plain = { timeoutMs: 10_000, privileged: false }
const hint = expect.stringContaining('--transport openssh')
let it: Lab
let sshd: Sshd
beforeAll(async () => {
  it = lab('openssh')
  sshd = await it.sshd()
})
afterAll(() => it.end())

const { login, failure, closeAll } = logins(() => ({ it, sshd }))
afterEach(closeAll)
const nodeSsh = () => it.wire({ transport: 'node-ssh' })

describe('only OpenSSH', () => {
  test('logs in where a server speaks post-quantum key exchange alone', async () => {
    const modern = await it.sshd({ config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] })
    expect(await failure({}, nodeSsh(), modern)).toMatchObject({ kind: 'login', hint })
    expect(await login({}, it.wire(), modern)).toBeDefined()
  })

  test.each([
    ['that a server trusts', (ca: string) => ({ config: [`TrustedUserCAKeys ${ca}.pub`], authorized: [] })],
    ['that an account trusts', (ca: string) => ({ authorized: [`cert-authority,principals="${me}" ${line(ca)}`] })],
  ])('logs in with a certificate of an authority %s', async (title, options) => {
    const ca = it.keygen(`user-ca-${title.length}`)
    const key = it.keygen(`certified-${title.length}`)
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'me', '-n', me, `${key}.pub`])
    const strict = await it.sshd(options(ca))
    const refused = await failure({ login: { identityFile: key } }, nodeSsh(), strict)
    expect(refused).toMatchObject({ kind: 'login', hint })
    expect(refused.hint).toContain(`${key}-cert.pub`)
    expect(await login({ login: { identityFile: key } }, it.wire(), strict)).toBeDefined()
    const other = await failure({ login: { identityFile: it.keygen(`plain-${title.length}`) } }, it.wire(), strict)
    expect(other).toMatchObject({ kind: 'login', message: `the login as ${me} was refused` })
  })

  test('takes a certificate that ssh_config names', async () => {
    const ca = it.keygen('named-ca')
    const key = it.keygen('named')
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'me', '-n', me, `${key}.pub`])
    const certificate = join(it.folder, '50% my certificate')
    renameSync(`${key}-cert.pub`, certificate)
    const strict = await it.sshd({ config: [`TrustedUserCAKeys ${ca}.pub`], authorized: [] })
    const config = join(it.folder, 'config-certificate')
    writeFileSync(config, `Host *\n CertificateFile "${certificate.replace('%', '%%')}"\n`)
    const named = { login: { identityFile: key } }
    expect(await login(named, it.wire({ sshConfig: config }), strict)).toBeDefined()
    expect(await failure(named, it.wire(), strict)).toMatchObject({ kind: 'login' })
  })

  test('is named where a FIDO key is the only one there is', async () => {
    const key = join(it.folder, 'id_ed25519_sk')
    writeFileSync(key, fakeKey('sk-ssh-ed25519@openssh.com').file, { mode: 0o600 })
    const error = await failure({ login: { identityFile: key } }, nodeSsh())
    expect(error).toMatchObject({ kind: 'login', hint })
    expect(error.hint).toContain(`node-ssh cannot offer ${key} (sk-ssh-ed25519@openssh.com)`)
    // There is no token here: ssh offers the key, and sshd does not know it.
    const offered = await failure({ login: { identityFile: key } })
    expect(offered.hint).toContain(`offered: ${key} SHA256:`)
    expect(offered.hint).not.toContain('--transport')
  })

  test('is named where an agent holds a FIDO key', async () => {
    const socket = join(it.folder, 'fido-agent')
    const { blob } = fakeKey('sk-ssh-ed25519@openssh.com')
    const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
    const answer = Buffer.concat([Buffer.from([12, 0, 0, 0, 1]), part(blob), part(Buffer.from('touch me'))])
    const agent = createServer((peer) => peer.once('data', () => peer.end(part(answer))).on('error', () => undefined))
    await new Promise<void>((resolve) => agent.listen(socket, resolve))
    const env = { HOME: it.folder, PATH: process.env.PATH, SSH_AUTH_SOCK: socket }
    const stranger = it.keygen('stranger')
    const error = await failure({ login: { identityFile: stranger } }, it.wire({ transport: 'node-ssh', env }))
    expect(error.hint).toContain(`the agent's sk-ssh-ed25519@openssh.com`)
    agent.close()
  })

  test('uses a key that its agent binds to a host, and there alone', async () => {
    const socket = join(it.folder, 'bound-agent')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    const env = { HOME: it.folder, PATH: process.env.PATH, SSH_AUTH_SOCK: socket }
    try {
      await until(() => exists(socket), 'the agent')
      const key = it.keygen('bound')
      const [one, other] = [await it.sshd({ authorized: [key] }), await it.sshd({ authorized: [key] })]
      const known = join(it.folder, 'bound-hosts')
      writeFileSync(known, `host-a ${one.hostKeys[0]}\n`)
      execFileSync('ssh-add', ['-q', '-H', known, '-h', 'host-a', key], { env })
      rmSync(key)
      const bound = { login: { identityFile: key } }
      expect(await failure(bound, it.wire({ transport: 'node-ssh', env }), one)).toMatchObject({ kind: 'login', hint })
      expect(await login(bound, it.wire({ env }), one)).toBeDefined()
      expect(await failure(bound, it.wire({ env }), other)).toMatchObject({ kind: 'login' })
    } finally {
      agent.kill()
    }
  })
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
    await expect(going).rejects.toMatchObject({ kind: 'unreachable', message: 'given up' })
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
    await expect(dial({ host: '127.0.0.1', port, timeoutMs: 1000 })).rejects.toMatchObject({ kind: 'unreachable' })
    expect([exists(join(it.folder, 'ran')), exists(join(it.folder, 'theirs'))]).toEqual([false, false])
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
    const far = await dial({ host: '127.0.0.1', port: sshd.port, timeoutMs: 5000 })
    const way = await bridge(far)
    const script = `require('net').connect(${way.port}, '127.0.0.1').on('data', () => process.exit(7)).on('close', () => process.exit(3)).on('error', () => {})`
    const thief = spawn(process.execPath, ['-e', script], { uid: 65534, gid: 65534 })
    expect(await new Promise((resolve) => thief.once('exit', resolve))).toBe(3)
    const ours = await dial({ host: '127.0.0.1', port: way.port, timeoutMs: 5000 })
    const greeting = await new Promise<Buffer>((resolve) => ours.once('data', resolve))
    expect(greeting.toString()).toMatch(/^SSH-2\.0-/)
    way.close()
  })
})

function line(key: string): string {
  return readFileSync(`${key}.pub`, 'utf8').trim()
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
