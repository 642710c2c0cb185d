import { join } from 'node:path'
import type { AskSsh } from './query.ts'
import { thisAccount } from './this-account.ts'

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
  /** A ProxyCommand that is set: we cannot use that route. */
  readonly proxyCommand: string | undefined
  /** All of it leads to a port on a gateway; what is above is then the route to the host itself. */
  readonly endpoint?: ForwardEndpoint
  /** Lines about algorithms, certificates and tokens, which only OpenSSH understands; in its own notation. */
  readonly own: readonly string[]
}

/** A port on a gateway itself: who connects there comes through a tunnel to whatever it leads to. */
export interface ForwardEndpoint {
  readonly gateway: string
  readonly address: string
  readonly port: number
  /** Whose forward it is, by the inventory. */
  readonly device?: string
}

type Env = Readonly<Record<string, string | undefined>>

const OWN =
  /^(kexalgorithms|ciphers|macs|hostkeyalgorithms|casignaturealgorithms|pubkeyacceptedalgorithms|requiredrsasize|rekeylimit|certificatefile|pkcs11provider|securitykeyprovider) (?!none$)/

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => `~/.ssh/${name}`)

/** Never throws: without ssh, or where its config is broken, ssh's defaults stand in. */
export async function userConfig(name: string, ask: AskSsh, env: Env): Promise<UserConfig> {
  const text = await ask(name)
  const all = (key: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${key} `))
      .map((line) => line.slice(key.length + 1).trim())
  const one = (key: string) => all(key)[0]
  const port = Number(one('port') ?? 22)
  const found = { hostname: one('hostname') ?? name, port, user: one('user') ?? thisAccount(env).username }
  const path = (file: string) => expand(file, name, found, env)
  const files = text === '' ? DEFAULT_KEYS : all('identityfile').filter((file) => file !== 'none')
  return {
    ...found,
    identityFiles: files.map(path),
    identitiesOnly: one('identitiesonly') === 'yes',
    agent: agentSocket(one('identityagent'), path, env),
    jumps: (one('proxyjump') ?? 'none') === 'none' ? [] : (one('proxyjump') ?? '').split(',').map((hop) => hop.trim()),
    proxyCommand: one('proxycommand') === 'none' ? undefined : one('proxycommand'),
    own: text
      .split('\n')
      .filter((line) => OWN.test(line))
      .map((line) => line.replace(/^(certificatefile) (.*)$/, (_, key, file) => `${key} ${path(file)}`)),
  }
}

/** `~` and the tokens of ssh_config(5) that stand in paths: `ssh -G` prints them unexpanded. */
function expand(
  file: string,
  name: string,
  found: { readonly hostname: string; readonly port: number; readonly user: string },
  env: Env,
): string {
  const { username, homedir } = thisAccount(env)
  const home = env.HOME ?? homedir
  const path = expandTokens(file, { ...hostTokens(name, found), d: home, u: username })
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path
}

/** The tokens that mean the same whoever runs ssh. `user`: absent where nobody says as whom. */
export function hostTokens(
  name: string,
  host: { readonly hostname: string; readonly port: number | string; readonly user?: string | undefined },
): Tokens {
  return { '%': '%', h: host.hostname, n: name, k: name, p: String(host.port), r: host.user }
}

/** One that stands for nothing here stays as it is. */
export function expandTokens(text: string, tokens: Tokens): string {
  return text.replace(/%(.)/g, (whole, letter: string) => tokens[letter] ?? whole)
}

type Tokens = Readonly<Record<string, string | undefined>>

function agentSocket(wanted: string | undefined, path: (file: string) => string, env: Env): string | undefined {
  if (wanted === 'none') return undefined
  if (wanted === undefined || wanted === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK
  return wanted.startsWith('$') ? env[wanted.replace(/[${}]/g, '')] : path(wanted)
}
