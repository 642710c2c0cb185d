import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { ConnectError, LoginRefused } from '../../errors.ts'
import { fingerprintOf, type HostKey, hostKeyText, judge, parseHostKey } from '../../pins.ts'
import { type Attempt, connectError, isPenalised } from '../failure.ts'
import { readIfThere } from '../file.ts'
import { parseHostCertificate } from '../host-certificate.ts'
import type { Handshake, Outcome } from '../link.ts'
import { printable } from '../output.ts'
import { bridge } from './bridge.ts'
import { type Aim, clientOf, configOf, knownHostsOf, type Place } from './config.ts'
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
export async function certifiedKey(socket: Duplex, wish: Omit<Handshake, 'identity'>): Promise<Outcome> {
  const { name, known } = wish
  const end = await attempt(socket, wish, 'certificate')
  if (end.kind === 'ready') throw new Error('a login that nobody asked for')
  const { seen, failure, early, spoke, log } = end
  if (early) return { kind: 'early', error: failure }
  const plain = parseHostKey((seen && parseHostCertificate(hostKeyText(seen))?.key) ?? '')
  if (plain !== undefined && spoke && judge(known, plain) !== 'revoked') return { kind: 'key', key: plain }
  const why = log.certificate()
  if (seen === undefined && why === undefined && failure.kind !== 'login') throw failure
  const pinned = `pinned is the authority ${known.authorities.map(fingerprintOf).join(', ')}`
  if (seen === undefined && why === undefined) {
    const hint = `sign its host key (ssh-keygen -s CA -h -I ${name} -n ${name} …) and name the certificate as HostCertificate in its sshd_config, or pin its key itself`
    throw new ConnectError('unknown-host-key', `${name} shows no certificate, and ${pinned}`, hint)
  }
  throw new ConnectError(
    why !== undefined && /expired|not yet valid/.test(why) ? 'unknown-host-key' : 'changed-host-key',
    `${name} showed a certificate that does not count: ${printable(why ?? 'another authority has signed it')}; ${pinned}`,
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
  const log = sshLog()
  const way = await bridge(socket)
  const folder = await wire.folders.make()
  await write({ folder, port: way.port }, wish, aim).catch((error: unknown) => {
    way.close()
    throw error
  })
  const master = ssh(['-F', join(folder, 'config'), '-v', '-M', '-N', '-T', '--', name], wire.env)
  master.stderr.on('data', (chunk: Buffer) => log.add(chunk))
  const stop = async () => {
    await master.stop()
    way.close()
    await wire.folders.remove(folder)
  }
  const how = await first(master.ended, { log, aim, timeoutMs: wire.connectTimeoutMs, signal })
  // A key that is revoked is refused before ssh would note it.
  const seen = (await shown(folder)) ?? wish.known.revoked.find((key) => fingerprintOf(key) === log.hostKey())
  if (how === 'ready' && aim === 'login' && seen !== undefined) {
    return {
      kind: 'ready',
      link: opensshLink({ name, key: seen, folder, log, gone: master.ended, stop, env: wire.env }),
    }
  }
  const code = how === 'ended' ? await master.ended : null
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
    remarks: log.remarks(),
    timeoutMs: wire.connectTimeoutMs,
  }
  const heard = how === 'timeout' ? ({ kind: 'timeout' } as const) : log.cause()
  const cause = heard.kind === 'other' && hungUp ? ({ kind: 'hung-up' } as const) : heard
  const early = cause.kind === 'hung-up' && !about.spoke && !isPenalised(about.greeting)
  return { kind: 'failed', seen, spoke: about.spoke, early, log, failure: connectError(cause, about) }
}

/** The files of one login. */
async function write(place: Place, wish: Handshake, aim: Aim): Promise<void> {
  const files = {
    config: configOf(wish, aim, place),
    client: clientOf(place),
    known_hosts: knownHostsOf(wish, aim),
    revoked: wish.known.revoked.map((key) => `${hostKeyText(key)}\n`).join(''),
    'shown-key': shownKey,
  }
  const mode = 0o600
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(place.folder, name), text, { mode })))
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
  const complaint = log.complaint()
  if (complaint === undefined) return
  throw new ConnectError('login', `the ssh of this machine is too old: ${printable(complaint)}`, install)
}

/** The key that ssh was shown, as it noted it itself. */
async function shown(folder: string): Promise<HostKey | undefined> {
  return parseHostKey(await readIfThere(join(folder, 'shown')))
}
