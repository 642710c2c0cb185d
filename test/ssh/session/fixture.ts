import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { ConnectError } from '../../../src/errors.ts'
import type { Gateway, Host, Login } from '../../../src/inventory/model.ts'
import { type HostKey, openPins, type Pins, parseHostKey } from '../../../src/ssh/host-keys/pins.ts'
import { connect } from '../../../src/ssh/session/connect.ts'
import type { Session } from '../../../src/ssh/session/session.ts'
import { noCounts, type Wire, type WireOptions, wire } from '../../../src/ssh/session/wire.ts'

export const me = userInfo().username

/** A folder of its own for each test file, with a client key that every sshd in it takes. */
export interface Lab {
  readonly folder: string
  readonly key: string
  readonly knownHosts: string
  sshd(options?: SshdOptions): Promise<Sshd>
  /** Makes a key pair and returns the private one's path. */
  keygen(name: string, ...options: readonly string[]): string
  wire(options?: Partial<WireOptions>): Wire
  pins(): Pins
  end(): void
}

export interface SshdOptions {
  readonly hostKeys?: readonly ('ed25519' | 'rsa' | 'ecdsa')[]
  readonly config?: readonly string[]
  /** PATH for what runs there. */
  readonly path?: string
  /** Paths of private keys, or whole lines of authorized_keys. */
  readonly authorized?: readonly string[]
}

export interface Sshd {
  readonly port: number
  readonly folder: string
  /** `ssh-ed25519 AAAA…` for each of its host keys, in the order asked for. */
  readonly hostKeys: readonly string[]
  readonly child: ChildProcess
  log(): string
}

/** What the contract of a session is held against. */
export const transports = ['node-ssh', 'openssh'] as const

export function lab(transport: (typeof transports)[number] = 'node-ssh'): Lab {
  const folder = mkdtempSync(join(tmpdir(), 'provision-session-'))
  const children: ChildProcess[] = []
  const keygen = (name: string, ...options: readonly string[]) => {
    const path = join(folder, name)
    const type = options.includes('-t') ? [] : ['-t', 'ed25519']
    const phrase = options.includes('-N') ? [] : ['-N', '']
    execFileSync('ssh-keygen', ['-q', '-f', path, '-C', name, ...type, ...phrase, ...options])
    return path
  }
  const key = keygen('client')
  const knownHosts = join(folder, 'known_hosts')
  const pins = () => openPins({ file: knownHosts })
  let made = 0
  return {
    folder,
    key,
    knownHosts,
    keygen,
    pins,
    wire: (options = {}) =>
      wire({
        pins: pins(),
        env: { HOME: folder, PATH: process.env.PATH },
        sshConfig: 'none',
        counts: noCounts(),
        transport,
        ...options,
      }),
    async sshd(options = {}) {
      const name = `sshd-${made++}`
      const types = options.hostKeys ?? ['ed25519']
      const keys = types.map((type) => keygen(`${name}-${type}`, '-t', type, ...(type === 'rsa' ? ['-b', '2048'] : [])))
      const home = join(folder, name)
      mkdirSync(home)
      const authorized = (options.authorized ?? [key]).map((one) =>
        one.startsWith('/') ? readFileSync(`${one}.pub`, 'utf8') : `${one}\n`,
      )
      writeFileSync(join(home, 'authorized_keys'), authorized.join(''))
      const port = await freePort()
      const config = [
        ...(options.config ?? []),
        // A home of its own: bash as a login shell would read the user's .bashrc at each exec.
        `SetEnv HOME=${home}${options.path === undefined ? '' : ` PATH=${options.path}`}`,
        `ListenAddress 127.0.0.1:${port}`,
        ...keys.map((path) => `HostKey ${path}`),
        `PidFile ${home}/pid`,
        `AuthorizedKeysFile ${home}/authorized_keys`,
        'UsePAM no',
        'StrictModes no',
        'PermitRootLogin yes',
        'PasswordAuthentication no',
        'LogLevel VERBOSE',
        // What OpenSSH would choose takes a fifth of a second of a busy core at each login.
        'KexAlgorithms curve25519-sha256',
      ]
      writeFileSync(join(home, 'sshd_config'), `${config.join('\n')}\n`)
      const log = join(home, 'log')
      writeFileSync(log, '')
      if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true })
      const child = spawn('/usr/sbin/sshd', ['-D', '-f', join(home, 'sshd_config'), '-E', log], { stdio: 'ignore' })
      children.push(child)
      const hostKeys = keys.map((path) => readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' '))
      const sshd = { port, folder: home, hostKeys, child, log: () => readFileSync(log, 'utf8') }
      await until(() => sshd.log().includes('Server listening'), `sshd: ${sshd.log()}`)
      return sshd
    },
    end() {
      for (const child of children) child.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface HostOptions {
  readonly name?: string
  readonly pins?: readonly string[]
  readonly login?: Partial<Login>
  readonly address?: string
}

export function host(
  lab: Lab,
  sshd: { readonly port: number; readonly hostKeys?: readonly string[] },
  more: HostOptions = {},
): Gateway {
  const base: Host = {
    role: 'gateway',
    name: more.name ?? 'host-a.lan.internal',
    address: more.address ?? '127.0.0.1',
    port: sshd.port,
    hostKeys: more.pins ?? sshd.hostKeys ?? [],
    login: { user: me, identityFile: lab.key, sudo: true, ...more.login },
    accounts: [],
    profile: 'compatible',
    passwordLogin: true,
  }
  return { ...base, role: 'gateway', dial: { address: '127.0.0.1', port: sshd.port }, tunnelAccount: 'tunnel' }
}

/** Logs in to one host of the lab and sees to it that what was opened is closed. */
export function logins(to: () => { readonly it: Lab; readonly sshd: Sshd }) {
  const open: Session[] = []
  const closing = (session: Session) => {
    open.push(session)
    return session
  }
  const login = async (
    more: HostOptions = {},
    wire: Wire = to().it.wire(),
    sshd: { readonly port: number; readonly hostKeys?: readonly string[] } = to().sshd,
  ) => closing(await connect(host(to().it, sshd, more), { wire }))
  const failure = (...words: Parameters<typeof login>): Promise<ConnectError> =>
    login(...words).then(
      () => Promise.reject(new Error('logged in, which was not expected')),
      (error: ConnectError) => error,
    )
  const closeAll = () => {
    for (const session of open.splice(0)) session.close()
  }
  return { login, failure, closing, closeAll }
}

/** For all tests of a block: a lab with one sshd, given to `use`, and logins that are closed after each test. */
export function sessionTests(
  {
    transport,
    hostKeys,
  }: { readonly transport: (typeof transports)[number]; readonly hostKeys?: SshdOptions['hostKeys'] },
  use: (made: { readonly it: Lab; readonly sshd: Sshd }) => void,
) {
  let made: { readonly it: Lab; readonly sshd: Sshd }
  beforeAll(async () => {
    const it = lab(transport)
    made = { it, sshd: await it.sshd(hostKeys ? { hostKeys } : {}) }
    use(made)
  })
  afterAll(() => made.it.end())
  const { closeAll, ...found } = logins(() => made)
  afterEach(closeAll)
  return found
}

export interface PublicKey {
  readonly path: string
  readonly text: string
  readonly key: HostKey
}

export function publicKey(folder: string, name: string): PublicKey {
  const path = join(folder, name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  const text = readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
  const key = parseHostKey(text)
  if (key === undefined) throw new Error(`no public key: ${text}`)
  return { path, text, key }
}

/** A key of a kind that nobody has here: its public blob, and a private key file that needs a token. */
export function fakeKey(type: string): { readonly blob: Buffer; readonly file: string } {
  const number = (value: number) => {
    const four = Buffer.alloc(4)
    four.writeUInt32BE(value)
    return four
  }
  const part = (bytes: string | Buffer) => Buffer.concat([number(Buffer.byteLength(bytes)), Buffer.from(bytes)])
  const blob = Buffer.concat([part(type), part(Buffer.alloc(32, 7)), part('ssh:')])
  const secret = Buffer.concat([number(1), number(1), blob, Buffer.from([1]), part('handle'), part(''), part('fake')])
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8)
  const head = ['openssh-key-v1\0', part('none'), part('none'), part(''), number(1), part(blob)]
  const whole = Buffer.concat([...head.map((bytes) => Buffer.from(bytes)), part(Buffer.concat([secret, padding]))])
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? []
  const marks = (word: string) => `-----${word} OPENSSH PRIVATE KEY-----\n`
  return { blob, file: `${marks('BEGIN')}${lines.join('\n')}\n${marks('END')}` }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

/** Waits for a condition, never for a time. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** An executable file in the lab, as `sudo` for an sshd whose PATH starts with its folder. */
export function program(path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}
