import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { ConnectError, LoginRefused } from '../../errors.ts'
import { fingerprintOf, type HostKey, hostKeyText, judge, parseHostKey } from '../../pins.ts'
import { type Attempt, connectError, isPenalised } from '../failure.ts'
import { readIfThere } from '../file.ts'
import type { Handshake, Outcome } from '../link.ts'
import { printable } from '../output.ts'
import { bridge } from './bridge.ts'
import { plainKey } from './certificate.ts'
import { type Aim, clientOf, configOf, knownHostsOf } from './config.ts'
import { opensshLink } from './link.ts'
import { type Log, sshLog } from './log.ts'
import shownKey from './shown-key.sh'
import { ssh } from './ssh.ts'

/**
 * From an open connection to a login by the system's own ssh, which then serves as the master of a control socket: one
 * process for each session. Host keys are checked by ssh, against a file of the pins alone.
 * @throws ConnectError `unreachable`, `login`; LoginRefused where the key was proved
 */
export async function openssh(socket: Duplex, wish: Handshake): Promise<Outcome> {
  const { known, identity } = wish
  const end = await attempt(socket, wish, identity ? 'login' : 'key')
  if (end.kind === 'ready') return end
  const { seen, failure, early, spoke } = end
  // A fingerprint that is pinned says nothing to ssh: we are told the key, and come again with that.
  const isKnown = known.keys.some((key) => seen?.blob.equals(key.blob)) && seen && judge(known, seen) === 'known'
  if (seen !== undefined && (identity === undefined || !isKnown)) return { kind: 'key', key: seen }
  if (early) return { kind: 'early', error: failure }
  throw failure.kind === 'login' && spoke && seen !== undefined ? new LoginRefused(failure, hostKeyText(seen)) : failure
}

/**
 * The plain key of a host whose certificate a pinned authority has signed for its name; nobody logs in.
 * @throws ConnectError `unknown-host-key`, `changed-host-key` where it shows none that counts
 */
export async function certifiedKey(socket: Duplex, wish: Omit<Handshake, 'identity'>): Promise<HostKey> {
  const { name, known } = wish
  const end = await attempt(socket, wish, 'certificate')
  if (end.kind === 'ready') throw new Error('a login that nobody asked for')
  const { seen, failure, spoke, log } = end
  const plain = seen && plainKey(seen)
  if (plain !== undefined && spoke && judge(known, plain) !== 'revoked') return plain
  if (seen === undefined && failure.kind !== 'login') throw failure
  const authorities = known.authorities.map(fingerprintOf).join(', ')
  const pinned = `pinned is the authority ${authorities}`
  if (seen === undefined) {
    const hint = `sign its host key (ssh-keygen -s CA -h -I ${name} -n ${name} …) and name the certificate as HostCertificate in its sshd_config, or pin its key itself`
    throw new ConnectError('unknown-host-key', `${name} shows no certificate, and ${pinned}`, hint)
  }
  const why = log.certificate()
  const strange = why === undefined || !/expired|not yet valid/.test(why)
  throw new ConnectError(
    strange ? 'changed-host-key' : 'unknown-host-key',
    `${name} showed a certificate that does not count: ${why === undefined ? 'another authority has signed it, or it was revoked' : printable(why)}; ${pinned}`,
    `look at it on the machine itself (ssh-keygen -Lf …-cert.pub): it has to be valid now, and for the name ${name}`,
  )
}

type Ready = Extract<Outcome, { readonly kind: 'ready' }>

interface End {
  readonly kind: 'failed'
  /** The key that was shown. */
  readonly seen: HostKey | undefined
  readonly spoke: boolean
  readonly failure: ConnectError
  /** It hung up before it said who it is. */
  readonly early: boolean
  readonly log: Log
}

async function attempt(socket: Duplex, wish: Handshake, aim: Aim): Promise<End | Ready> {
  const { wire, name, identity, signal } = wish
  const folder = await wire.folders.make()
  const log = sshLog()
  const way = await bridge(socket)
  const place = { folder, port: way.port }
  await Promise.all([
    note(folder, 'config', configOf(wish, aim, place)),
    note(folder, 'client', clientOf(place)),
    note(folder, 'known_hosts', knownHostsOf(wish, aim)),
    note(folder, 'revoked', wish.known.revoked.map((key) => `${hostKeyText(key)}\n`).join('')),
    note(folder, 'shown-key', shownKey),
  ])
  const master = ssh(['-F', join(folder, 'config'), '-v', '-M', '-N', '-T', '--', name], wire.env)
  master.stderr.on('data', (chunk: Buffer) => log.add(chunk))
  const gone = master.ended
  const stop = async () => {
    master.kill('SIGTERM')
    way.close()
    await gone
    await wire.folders.remove(folder)
  }
  const how = await first(gone, { log, aim, timeoutMs: wire.connectTimeoutMs, signal })
  // A key that is revoked is refused before ssh would note it.
  const seen = (await shown(folder)) ?? wish.known.revoked.find((key) => fingerprintOf(key) === log.hostKey())
  if (how === 'ready' && aim === 'login' && seen !== undefined) {
    const link = opensshLink({ name, key: seen, folder, log, gone, stop, env: wire.env })
    return { kind: 'ready', link }
  }
  const code = how === 'ended' ? await gone : null
  // A host that hung up is told from ssh that did.
  const hungUp = way.ended()
  await stop()
  if (how === 'aborted') throw new ConnectError('unreachable', 'given up')
  if (seen === undefined) mustBeUsable(code, log)
  const about: Attempt = {
    transport: 'openssh',
    greeting: way.greeting(),
    spoke: log.spoke(),
    partial: log.partial(),
    identity,
    offered: log.offered(),
    timeoutMs: wire.connectTimeoutMs,
  }
  const heard = how === 'timeout' ? ({ kind: 'timeout' } as const) : log.cause()
  const cause = heard.kind === 'other' && hungUp ? ({ kind: 'hung-up' } as const) : heard
  const early = cause.kind === 'hung-up' && !about.spoke && !isPenalised(about.greeting)
  return { kind: 'failed', seen, spoke: about.spoke, early, log, failure: connectError(cause, about) }
}

interface Awaited {
  readonly log: Log
  readonly aim: Aim
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** What comes first. A certificate is proved with the key exchange, a login when ssh says so. */
function first(gone: Promise<unknown>, { log, aim, timeoutMs, signal }: Awaited) {
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
      if (aim === 'login' ? log.ready() : log.spoke()) settle('ready')
    })
    gone.then(() => settle('ended'))
    if (signal?.aborted) onAbort()
  })
}

/** @throws ConnectError `login`, for an ssh that is not there, or too old */
function mustBeUsable(code: number | null, log: Log): void {
  const install = 'install OpenSSH 8.5 or newer (openssh-client), or leave out "transport": "openssh"'
  if (code === 127) throw new ConnectError('login', 'there is no program ssh here (PATH)', install)
  const cause = log.cause()
  if (cause.kind === 'other' && /bad configuration option|unsupported option/i.test(cause.why)) {
    throw new ConnectError('login', `the ssh of this machine refuses its configuration: ${cause.why}`, install)
  }
}

/** The key that ssh was shown, as it noted it itself. */
async function shown(folder: string): Promise<HostKey | undefined> {
  return parseHostKey(await readIfThere(join(folder, 'shown')))
}

function note(folder: string, file: string, text: string): Promise<void> {
  return writeFile(join(folder, file), text, { mode: 0o600 })
}
