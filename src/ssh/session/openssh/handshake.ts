import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { ConnectError, LoginRefused } from '../../../errors.ts'
import { readIfThere } from '../../../files/atomic.ts'
import type { KnownKeys } from '../../host-keys/pinned.ts'
import { type HostKey, hostKeyText, judge, parseHostKey } from '../../host-keys/pins.ts'
import { connectError, type FailedAttempt, isPenalised } from '../connect-error.ts'
import { printable } from '../end-mark.ts'
import type { Handshake, LoginOutcome } from '../link.ts'
import { agentProxy } from './agent-proxy.ts'
import { bridge } from './bridge.ts'
import { type Aim, clientOf, configOf, knownHostsOf, type LocalEndpoint } from './config.ts'
import { opensshLink } from './link.ts'
import { type Log, sshLog } from './log.ts'
import shownKey from './shown-key.sh'
import { ssh } from './ssh.ts'

/**
 * From an open connection to a login by the system's own ssh, which then serves as the master of a control socket: one
 * process for each session. Host keys are checked by ssh, against a file of the pins alone.
 * @throws ConnectError `unreachable`, `login`; LoginRefused where the key was proved
 */
export async function openssh(socket: Duplex, wish: Handshake): Promise<LoginOutcome> {
  const { known, identity } = wish
  const end = await attempt(socket, wish, identity ? 'login' : 'key')
  if (end.kind === 'ready') return end
  const { seen, failure, early, spoke } = end
  if (seen !== undefined && (identity === undefined || !isPinned(seen, known))) return { kind: 'key', key: seen }
  if (early) return { kind: 'early', error: failure }
  throw failure.kind === 'login' && spoke && seen !== undefined ? new LoginRefused(failure, hostKeyText(seen)) : failure
}

/** ssh cannot use a fingerprint that is pinned: then it reports the key, and we connect again with that. */
function isPinned(key: HostKey, known: KnownKeys): boolean {
  return judge(known, key) === 'known' && known.keys.some(({ blob }) => blob.equals(key.blob))
}

/**
 * The host certificate that a host presents, in place of a key; nobody logs in, and it has not been checked.
 * @throws ConnectError `login` where it has none
 */
export async function shownCertificate(socket: Duplex, wish: Omit<Handshake, 'identity'>): Promise<LoginOutcome> {
  const end = await attempt(socket, wish, 'certificate')
  if (end.kind === 'ready') return end
  if (end.seen !== undefined) return { kind: 'key', key: end.seen }
  if (end.early) return { kind: 'early', error: end.failure }
  throw end.failure
}

type Ready = Extract<LoginOutcome, { readonly kind: 'ready' }>

interface End {
  readonly kind: 'failed'
  /** The key that the host presented. */
  readonly seen: HostKey | undefined
  /** It has proved that key. */
  readonly spoke: boolean
  readonly failure: ConnectError
  /** It closed the connection before its banner. */
  readonly early: boolean
}

async function attempt(socket: Duplex, wish: Handshake, aim: Aim): Promise<End | Ready> {
  const { wire, name, identity, signal } = wish
  const log = sshLog()
  const tunnel = await bridge(socket)
  const { folder, agent } = await prepare(wish, aim, tunnel).catch((error: unknown) => {
    tunnel.close()
    throw error
  })
  const master = ssh(['-F', join(folder, 'config'), '-v', '-M', '-N', '-T', '--', name], wire.env)
  master.stderr.on('data', (chunk: Buffer) => log.add(chunk))
  const stop = async () => {
    await master.stop()
    tunnel.close()
    await wire.folders.remove(folder)
  }
  // Its control socket is there once the login is done.
  const isReady = () => aim === 'login' && log.ready() && existsSync(join(folder, 'control'))
  const how = await first(master.ended, { log, isReady, timeoutMs: wire.connectTimeoutMs, signal })
  agent.close()
  const seen = await presentedKey(folder)
  if (how === 'ready' && seen !== undefined && isPinned(seen, wish.known)) {
    return {
      kind: 'ready',
      link: opensshLink({ name, key: seen, folder, log, gone: master.ended, stop, env: wire.env }),
    }
  }
  const code = how === 'ended' ? await master.ended : null
  // Whether the host closed the connection, or ssh did.
  const hungUp = tunnel.ended()
  await stop()
  if (how === 'aborted') throw new ConnectError('unreachable', 'cancelled')
  if (tunnel.greeting() === '') mustBeUsable(code, log)
  const about: FailedAttempt = {
    transport: 'openssh',
    greeting: tunnel.greeting(),
    spoke: agent.asked(),
    partial: log.partial(),
    identity,
    offered: log.offered(),
    remarks: log.remarks(),
    said: log.said(),
    timeoutMs: wire.connectTimeoutMs,
  }
  const heard = how === 'timeout' ? ({ kind: 'timeout' } as const) : log.cause()
  // A host that has not proved its key has not refused a login either.
  const unproved =
    !about.spoke && (heard.kind === 'refused' || heard.kind === 'too-many-keys' || heard.kind === 'agent')
  const cause = unproved || (heard.kind === 'other' && hungUp) ? ({ kind: 'hung-up' } as const) : heard
  const early = cause.kind === 'hung-up' && !about.spoke && !isPenalised(about.greeting)
  return { kind: 'failed', seen, spoke: about.spoke, early, failure: connectError(cause, about) }
}

/** The files and the agent of one login. */
async function prepare(wish: Handshake, aim: Aim, { port }: Pick<LocalEndpoint, 'port'>) {
  const folder = await wish.wire.folders.make()
  const place = { folder, port }
  const files = {
    config: configOf(wish, aim, place),
    client: clientOf(place),
    known_hosts: knownHostsOf(wish),
    'shown-key': shownKey,
  }
  const mode = 0o600
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text, { mode })))
  return { folder, agent: await agentProxy(join(folder, 'agent'), wish.identity) }
}

interface Awaited {
  readonly log: Log
  readonly isReady: () => boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** What comes first. */
function first(gone: Promise<unknown>, { log, isReady, timeoutMs, signal }: Awaited) {
  return new Promise<'ready' | 'ended' | 'timeout' | 'aborted'>((resolve) => {
    const settle = (how: 'ready' | 'ended' | 'timeout' | 'aborted') => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      resolve(how)
    }
    const timer = setTimeout(settle, timeoutMs, 'timeout')
    const onAbort = () => settle('aborted')
    signal?.addEventListener('abort', onAbort, { once: true })
    log.onLine(() => {
      if (isReady()) settle('ready')
    })
    gone.then(() => settle('ended'))
    if (signal?.aborted) onAbort()
  })
}

/** @throws ConnectError `login`, for an ssh that is not there, or too old */
function mustBeUsable(code: number | null, log: Log): void {
  const install = 'install OpenSSH 8.5 or newer (openssh-client), or leave out "transport": "openssh"'
  if (code === 127) throw new ConnectError('login', 'there is no program ssh here (PATH)', install)
  const complaint = log.complaint()
  if (complaint === undefined) return
  throw new ConnectError('login', `the ssh of this machine is too old: ${printable(complaint)}`, install)
}

/** The key that the host presented, as ssh noted it. */
async function presentedKey(folder: string): Promise<HostKey | undefined> {
  return parseHostKey(await readIfThere(join(folder, 'shown')))
}
