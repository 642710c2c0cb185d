import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx/core'
import { quote } from '../sh.ts'

/** What the user's own ssh would do with a name, as `ssh -G` says; defaults where there is no ssh. */
export interface UserConfig {
  readonly hostname: string
  readonly port: number
  readonly user: string
  /** Absolute paths, in ssh's order. Many do not exist: ssh lists its defaults too. */
  readonly identityFiles: readonly string[]
  readonly identitiesOnly: boolean
  /** Path of the agent's socket; undefined: none. */
  readonly agent: string | undefined
  /** `[user@]host[:port]`, nearest to us first. */
  readonly jumps: readonly string[]
  /** A ProxyCommand is set: we cannot go that way. */
  readonly proxyCommand: boolean
  /** Lines about algorithms, certificates and tokens, which only OpenSSH understands; in its own words. */
  readonly own: readonly string[]
}

export interface SshConfigOptions {
  /** ssh's `-F`; absent: the user's and the system's own files. */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Set while we ask: `ssh -G` runs what `Match exec` says, and the blocks that we give to people would log in to a gateway for
 * each device.
 */
export const askedByProvision = 'PROVISION_ASKS_SSH'

const OWN =
  /^(kexalgorithms|ciphers|macs|hostkeyalgorithms|casignaturealgorithms|pubkeyacceptedalgorithms|requiredrsasize|rekeylimit|certificatefile|pkcs11provider|securitykeyprovider) (?!none$)/

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => `~/.ssh/${name}`)

/** Takes about 10 ms. Never throws: without ssh, or where its config is broken, ssh's defaults stand in. */
export async function userConfig(name: string, options: SshConfigOptions): Promise<UserConfig> {
  const text = await askSsh(name, options)
  const all = (key: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${key} `))
      .map((line) => line.slice(key.length + 1).trim())
  const one = (key: string) => all(key)[0]
  const port = Number(one('port') ?? 22)
  const found = { hostname: one('hostname') ?? name, port, user: one('user') ?? userInfo().username }
  const path = (file: string) => expand(file, name, found, options.env)
  const files = text === '' ? DEFAULT_KEYS : all('identityfile').filter((file) => file !== 'none')
  return {
    ...found,
    identityFiles: files.map(path),
    identitiesOnly: one('identitiesonly') === 'yes',
    agent: agentSocket(one('identityagent'), path, options.env),
    jumps: (one('proxyjump') ?? 'none') === 'none' ? [] : (one('proxyjump') ?? '').split(',').map((hop) => hop.trim()),
    proxyCommand: (one('proxycommand') ?? 'none') !== 'none',
    own: text
      .split('\n')
      .filter((line) => OWN.test(line))
      .map((line) => line.replace(/^(certificatefile) (.*)$/, (_, key, file) => `${key} ${path(file)}`)),
  }
}

/** What `ssh -G` prints; empty where there is no ssh, or where it refuses. */
export async function askSsh(name: string, options: SshConfigOptions): Promise<string> {
  // sh and our own quote: zx would want bash and quotes as only bash reads them.
  const env = { ...options.env, [askedByProvision]: '1' }
  const run = $({ shell: '/bin/sh', prefix: '', quote, quiet: true, nothrow: true, input: '', env })
  const file = options.file === undefined ? [] : ['-F', options.file]
  try {
    const asked = await run`ssh -G ${file} -- ${name}`
    return asked.exitCode === 0 ? asked.stdout : ''
  } catch {
    return ''
  }
}

/** `~` and the tokens of ssh_config(5) that stand in paths: `ssh -G` prints them unexpanded. */
function expand(
  file: string,
  name: string,
  found: { readonly hostname: string; readonly port: number; readonly user: string },
  env: SshConfigOptions['env'],
): string {
  const home = env.HOME ?? homedir()
  const tokens: Record<string, string> = {
    '%': '%',
    d: home,
    h: found.hostname,
    n: name,
    k: name,
    p: String(found.port),
    r: found.user,
    u: userInfo().username,
  }
  const path = file.replace(/%(.)/g, (whole, letter: string) => tokens[letter] ?? whole)
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path
}

function agentSocket(
  wanted: string | undefined,
  path: (file: string) => string,
  env: SshConfigOptions['env'],
): string | undefined {
  if (wanted === 'none') return undefined
  if (wanted === undefined || wanted === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK
  return wanted.startsWith('$') ? env[wanted.replace(/[${}]/g, '')] : path(wanted)
}
