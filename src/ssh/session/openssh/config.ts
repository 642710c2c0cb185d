import type { KnownKeys } from '../../host-keys/pinned.ts'
import { hostKeyText, judge } from '../../host-keys/pins.ts'
import { type Handshake, keepaliveCount, keepaliveSeconds } from '../link.ts'

/** What is wanted of a host: a login, its key, or its certificate. */
export type Aim = 'login' | 'key' | 'certificate'

export interface LocalEndpoint {
  readonly folder: string
  /** On loopback, for this ssh alone. */
  readonly port: number
}

/**
 * The whole configuration of our ssh, with what `ssh -G` made of the user's own ssh_config. No program and no
 * forward of the user's is started, nobody is asked anything, and a key is the only way to log in.
 */
export function configOf(wish: Handshake, aim: Aim, { folder, port }: LocalEndpoint): string {
  const { name, identity, config, known } = wish
  const own = config.own.filter((line) => !line.startsWith('hostkeyalgorithms '))
  const login = aim === 'login' ? identity : undefined
  const files = login?.files.map((file) => `IdentityFile ${path(file)}`) ?? []
  return text([
    'HostName 127.0.0.1',
    `Port ${port}`,
    `HostKeyAlias ${name}`,
    `User ${word(login?.user ?? 'none')}`,
    'BatchMode yes',
    `PreferredAuthentications ${login ? 'publickey' : 'none'}`,
    ...(files.length > 0 ? files : ['IdentityFile none']),
    `IdentitiesOnly ${login?.filesOnly === false ? 'no' : 'yes'}`,
    `IdentityAgent ${login ? path(`${folder}/agent`) : 'none'}`,
    ...own.flatMap((line) => {
      const [, key, file] = /^(certificatefile|pkcs11provider|securitykeyprovider) (.*)$/.exec(line) ?? []
      if (key === undefined || file === undefined) return [line]
      return login ? [`${key} ${path(file)}`] : []
    }),
    ...hostKeyAlgorithms(config.own, known, aim),
    'StrictHostKeyChecking yes',
    'CheckHostIP no',
    `UserKnownHostsFile ${path(`${folder}/known_hosts`)}`,
    'GlobalKnownHostsFile /dev/null',
    `KnownHostsCommand /bin/sh ${path(`${folder}/shown-key`)} %I %t %K ${path(`${folder}/shown`)}`,
    // It writes what the host proves beside the key of the login into the file above.
    'UpdateHostKeys yes',
    'HashKnownHosts no',
    `ControlPath ${path(`${folder}/control`)}`,
    'ControlMaster yes',
    `ServerAliveInterval ${keepaliveSeconds}`,
    `ServerAliveCountMax ${keepaliveCount(wish.wire.connectTimeoutMs)}`,
  ])
}

/** For those who use the open connection: where it is gone, they must not make one of their own. */
export function clientOf({ folder }: LocalEndpoint): string {
  return text([
    `ControlPath ${path(`${folder}/control`)}`,
    'ControlMaster no',
    'ProxyCommand exec false',
    'BatchMode yes',
    'LogLevel ERROR',
  ])
}

/**
 * Only for a login: any other connection ends as soon as the host has shown its key, as it does where that is revoked.
 */
export function knownHostsOf({ name, known, identity }: Handshake): string {
  const keys = identity === undefined ? [] : known.keys.filter((key) => judge(known, key) === 'known')
  return keys.map((key) => `${name} ${hostKeyText(key)}\n`).join('')
}

/** Types that are pinned come first, as ssh has it where nobody chose an order. */
function hostKeyAlgorithms(own: readonly string[], known: KnownKeys, aim: Aim): string[] {
  const line = own.find((one) => one.startsWith('hostkeyalgorithms '))
  if (line === undefined) return []
  const all = line.slice('hostkeyalgorithms '.length).split(',')
  const certified = (algorithm: string) => algorithm.includes('-cert-v0')
  const types = new Set(known.keys.map(({ type }) => type))
  const isPinned = (algorithm: string) => types.has(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm)
  const usable = all.filter((algorithm) => certified(algorithm) === (aim === 'certificate'))
  const list = [...usable.filter(isPinned), ...usable.filter((algorithm) => !isPinned(algorithm))]
  return [`HostKeyAlgorithms ${(list.length > 0 ? list : all).join(',')}`]
}

function text(lines: readonly string[]): string {
  return `Host *\n${lines.map((line) => `    ${line}\n`).join('')}`
}

/** ssh expands `%` in paths. */
function path(file: string): string {
  return word(file.replaceAll('%', '%%'))
}

function word(value: string): string {
  return /[\s#]/.test(value) ? `"${value}"` : value
}
