import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import ssh2, { type AgentAuthMethod, type ParsedKey, type PublicKeyAuthMethod } from 'ssh2'
import { isThere } from '../../files/atomic.ts'
import type { Host } from '../../inventory/model.ts'
import { hostKeyOfBlob } from '../host-keys/known-hosts.ts'
import { fingerprintOf } from '../host-keys/pins.ts'
import type { UserConfig } from '../user-config/user-config.ts'
import { type AgentKeys, agentKeys, OneKeyAgent } from './agent.ts'
import { cached } from './cached.ts'
import type { Connections } from './connections.ts'

/** sshd gives up after 6 attempts (MaxAuthTries), and counts what the agent's keys cost. */
const MOST_OFFERS = 5

/** The files that ssh tries where ssh_config names none; a file that somebody did name is the likelier one. */
const DEFAULT_NAMES = new Set(['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk', 'id_xmss', 'id_dsa'])

/** One key that we can prove to hold. */
export interface Offer {
  /** `~/.ssh/id_ed25519 SHA256:…`, for people. */
  readonly label: string
  /** `SHA256:…` */
  readonly fingerprint: string
  readonly key: ParsedKey
  readonly method: KeyMethod
}

/** We log in with keys only: that makes a session the proof that a key is enough. */
type KeyMethod = PublicKeyAuthMethod | AgentAuthMethod

/** The account that we log in to at one host, and the keys that we offer. */
export interface Identity {
  readonly user: string
  /** In this order. */
  readonly offers: readonly Offer[]
  /** The key files that are there and not locked, for those who read them themselves; at most five. */
  readonly files: readonly string[]
  /** Nothing of the agent's is offered but what is in these files, too. */
  readonly filesOnly: boolean
  /** Path of the agent's socket. */
  readonly agent: string | undefined
  /** Key files that could not be offered, each with its reason and what to do: for the hint of a refused login. */
  readonly skipped: readonly string[]
  /** What only OpenSSH can offer, for people. */
  readonly foreign: readonly string[]
}

/**
 * A private key file, read and parsed once for each keyring: parsing may cost milliseconds, and there are many hosts.
 */
export type KeyFile =
  | { readonly kind: 'key'; readonly path: string; readonly key: ParsedKey; readonly certificate?: string }
  /** Locked, or only its public half is here: the agent may have it. */
  | {
      readonly kind: 'public'
      readonly path: string
      readonly blob: Buffer | undefined
      readonly locked: boolean
      readonly why: string
    }
  /** Of a kind that ssh2 cannot read. */
  | { readonly kind: 'foreign'; readonly path: string; readonly blob: Buffer | undefined; readonly what: string }
  | { readonly kind: 'none' }

export interface Keyring {
  file(path: string): Promise<KeyFile>
  agent(socket: string): Promise<AgentKeys>
  /** Fingerprints of the keys that some host has accepted: they are the likeliest at the next one. */
  readonly accepted: Set<string>
  /** An agent that offers this key of its own. */
  signer(socket: string, key: ParsedKey): OneKeyAgent
}

/** A cache that lives as long as its owner: one run. */
export function keyring(connections: Connections): Keyring {
  return {
    file: cached(readKeyFile),
    agent: cached((socket) => agentKeys(socket, connections)),
    accepted: new Set(),
    signer: (socket, key) => new OneKeyAgent(socket, key, connections),
  }
}

/**
 * `login.identityFile` alone where given; else what ssh would offer: at most five, each once, the likeliest first: some
 * hosts take two and no more (MaxAuthTries).
 */
export async function identity(
  host: Pick<Host, 'login' | 'accounts'>,
  config: UserConfig,
  keys: Keyring,
): Promise<Identity> {
  const user = host.login.user ?? config.user
  const only = host.login.identityFile
  const held = config.agent === undefined ? { keys: [], foreign: [] } : await keys.agent(config.agent)
  const inAgent = held.keys
  const paths = only === undefined ? config.identityFiles : [only]
  const files = await Promise.all([...new Set(paths)].map((path) => keys.file(path)))

  const likely = new Set([...keys.accepted, ...admitted(host, user)])
  const skipped: string[] = []
  const offers = new Map<string, Offer>()
  const offerAgent = (key: ParsedKey) => {
    if (config.agent !== undefined) offer(key, key.comment || 'agent', keys.signer(config.agent, key))
  }
  const same = (file: KeyFile) => {
    if (file.kind === 'none') return undefined
    const blob = file.kind === 'key' ? file.key.getPublicSSH() : file.blob
    return blob && inAgent.find((key) => key.getPublicSSH().equals(blob))
  }
  const offerFile = (file: KeyFile) => {
    if (file.kind === 'none') return
    const found = same(file)
    if (found !== undefined) offerAgent(found)
    else if (file.kind === 'key') offer(file.key, file.path)
    else if (file.kind === 'public') skipped.push(`${file.path}: ${file.why}`)
  }
  function offer(key: ParsedKey, from: string, agent?: OneKeyAgent): void {
    const print = fingerprintOf(key.getPublicSSH())
    if (offers.has(print)) return
    const method: KeyMethod = agent
      ? { type: 'agent', username: user, agent }
      : // @types/ssh2 lacks the parsed key here; ssh2's parseKey gives it back as it is.
        { type: 'publickey', username: user, key: key as unknown as Buffer }
    offers.set(print, { label: `${from} ${print}`, fingerprint: print, key, method })
  }

  const chosen = only !== undefined || config.identitiesOnly
  const isDefault = (file: KeyFile) => file.kind !== 'none' && DEFAULT_NAMES.has(basename(file.path))
  files.filter((file) => chosen || !isDefault(file)).forEach(offerFile)
  if (!chosen) {
    files.filter((file) => isDefault(file) && same(file) !== undefined).forEach(offerFile)
    // Two places stay for the default files, one of them in front: an agent full of other keys must not hide them.
    const spared = files.filter((file) => isDefault(file) && file.kind === 'key').slice(0, 2)
    const room = Math.max(0, MOST_OFFERS - offers.size - spared.length)
    const others = inAgent.filter((key) => !offers.has(fingerprintOf(key.getPublicSSH())))
    const isLikely = (key: ParsedKey) => likely.has(fingerprintOf(key.getPublicSSH()))
    if (others.length > 1) spared.slice(0, 1).forEach(offerFile)
    for (const key of [...others.filter(isLikely), ...others.filter((key) => !isLikely(key))].slice(0, room))
      offerAgent(key)
    files.filter(isDefault).forEach(offerFile)
  }
  if (only !== undefined && files[0]?.kind === 'none') skipped.push(`${only}: there is no such key file`)
  const usable = (file: KeyFile) => file.kind !== 'public' || !file.locked || same(file) !== undefined
  const there = files.filter((file) => file.kind !== 'none')
  const foreign = there.flatMap((file) => {
    if (file.kind === 'foreign') return [`${file.path} (${file.what})`]
    return file.kind === 'key' && file.certificate !== undefined ? [file.certificate] : []
  })
  return {
    user,
    offers: [...offers.values()]
      .toSorted((one, other) => Number(likely.has(other.fingerprint)) - Number(likely.has(one.fingerprint)))
      .slice(0, MOST_OFFERS),
    files: there
      .filter(usable)
      .map(({ path }) => path)
      .slice(0, MOST_OFFERS),
    filesOnly: chosen,
    agent: config.agent,
    skipped,
    foreign: [...foreign, ...held.foreign.map((type) => `the agent's ${type}`)],
  }
}

/** The fingerprints of the keys that the inventory gives to this account. */
function admitted({ accounts }: Pick<Host, 'accounts'>, user: string): string[] {
  const lines = accounts.filter(({ name }) => name === user).flatMap(({ authorizedKeys }) => authorizedKeys)
  return lines.flatMap((line) => {
    const key = /(?:^|\s)(?:ssh|ecdsa|sk)-\S+ (AAAA\S+)/.exec(line)?.[1]
    return key === undefined ? [] : [fingerprintOf(Buffer.from(key, 'base64'))]
  })
}

async function readKeyFile(path: string): Promise<KeyFile> {
  const text = await read(path)
  if (text === undefined) {
    const beside = await publicHalf(`${path}.pub`)
    if (beside)
      return {
        kind: 'public',
        path,
        blob: beside,
        locked: false,
        why: 'only its public half is here; load the private half with ssh-add',
      }
    const other = await read(`${path}.pub`)
    return other === undefined ? { kind: 'none' } : { kind: 'foreign', path, blob: undefined, what: kindOf(other) }
  }
  const key = ssh2.utils.parseKey(text)
  if (key instanceof Error) {
    const blob = (await publicHalf(`${path}.pub`)) ?? publicPart(text)
    const what = kindOf(text)
    const locked = /encrypted/i.test(key.message) && !what.startsWith('sk-')
    if (locked) return { kind: 'public', path, blob, locked, why: `it has a passphrase; run \`ssh-add ${path}\` first` }
    return { kind: 'foreign', path, blob, what }
  }
  if (key.isPrivateKey()) {
    const certificate = `${path}-cert.pub`
    return { kind: 'key', path, key, ...((await isThere(certificate)) && { certificate }) }
  }
  // The public half was named: ssh takes the private one beside it, or from the agent.
  const beside = path.endsWith('.pub') ? await readKeyFile(path.slice(0, -4)) : undefined
  if (beside?.kind === 'key' || beside?.kind === 'foreign') return beside
  const why = 'only its public half is here; load the private half with ssh-add'
  return { kind: 'public', path, blob: key.getPublicSSH(), locked: false, why }
}

/** Of a key that ssh2 cannot read. */
function kindOf(text: string): string {
  const type =
    hostKeyOfBlob(publicPart(text) ?? Buffer.alloc(0))?.type ?? /^(sk|ssh|ecdsa)-\S+(?= AAAA)/.exec(text)?.[0]
  return type ?? 'a kind that node-ssh cannot read'
}

async function publicHalf(path: string): Promise<Buffer | undefined> {
  const key = ssh2.utils.parseKey((await read(path)) ?? '')
  return key instanceof Error ? undefined : key.getPublicSSH()
}

/** A locked key of OpenSSH's own format still shows its public part: magic, three strings, a count, then the blob. */
function publicPart(text: string): Buffer | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1]
  if (body === undefined) return undefined
  const bytes = Buffer.from(body, 'base64')
  let at = 'openssh-key-v1\0'.length
  try {
    for (let skip = 0; skip < 3; skip++) at += 4 + bytes.readUInt32BE(at)
    at += 4
    return bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at))
  } catch {
    return undefined
  }
}

function read(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
