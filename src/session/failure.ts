import { ConnectError } from '../errors.ts'
import { errorCode } from './file.ts'
import type { Identity } from './identity.ts'
import { socketReason } from './socket.ts'

/** What is known about an attempt that failed. */
export interface Attempt {
  /** The first bytes the host sent. */
  readonly greeting: string
  /** The key exchange came to its end. */
  readonly spoke: boolean
  /** A key was taken, and the host wanted more. */
  readonly partial?: boolean | undefined
  readonly identity?: Identity | undefined
  readonly timeoutMs?: number | undefined
}

export function lostBeforeHandshake(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = errorCode(error)
  return /before handshake/i.test(error.message) || code === 'ECONNRESET' || code === 'EPIPE' || isSilentClose(error)
}

/**
 * sshd keeps our whole network out for a while (PerSourcePenalties, OpenSSH 9.8 and later): more tries make it longer.
 * 10.0 says the same when too many logins are under way (MaxStartups); only its log tells them apart.
 */
export function isPenalised(greeting: string): boolean {
  return /not allowed at this time/i.test(greeting)
}

/** ssh2's words for what went wrong, in ours, with what to do about it. */
export function connectError(error: unknown, attempt: Attempt): ConnectError {
  if (!(error instanceof Error)) return new ConnectError('unreachable', 'the connection failed')
  const level = 'level' in error ? error.level : undefined
  if (isPenalised(attempt.greeting)) {
    return new ConnectError(
      'unreachable',
      'its sshd refuses connections from this address for now',
      'too many failed logins came from this network (PerSourcePenalties), or too many are under way (MaxStartups): ' +
        'wait half a minute; on the host, `journalctl -u ssh | grep "drop connection"` tells why',
    )
  }
  if (/no matching/i.test(error.message)) {
    return new ConnectError(
      'login',
      `no common ground to speak ssh on: ${error.message.replace(/^Handshake failed: /, '')}`,
      'its sshd offers only algorithms that are not available here (post-quantum ones alone, or only SHA-1): widen ' +
        'KexAlgorithms or HostKeyAlgorithms there, for example with curve25519-sha256 and ssh-ed25519',
    )
  }
  if (level === 'agent') {
    return new ConnectError('login', 'the ssh agent did not sign', 'is it locked? Or name the key: login.identityFile')
  }
  if (level === 'client-authentication' || /too many authentication failures/i.test(error.message)) {
    return refused(attempt)
  }
  if (level === 'client-timeout') {
    const seconds = (attempt.timeoutMs ?? 0) / 1000
    const silent = attempt.greeting === ''
    return new ConnectError(
      'unreachable',
      silent ? `accepts, but says nothing for ${seconds} s` : `no login within ${seconds} s`,
    )
  }
  if (lostBeforeHandshake(error)) {
    const said = attempt.greeting.split(/[\r\n]/)[0]?.replace(/[^\x20-\x7e]/g, '') ?? ''
    const heard = said === '' || said.startsWith('SSH-') ? '' : `; it said "${said.slice(0, 80)}"`
    return new ConnectError(
      'unreachable',
      `hung up ${attempt.spoke ? 'during the login' : 'before it said who it is'}${heard}`,
    )
  }
  return new ConnectError('unreachable', socketReason(error))
}

function refused(attempt: Attempt): ConnectError {
  const { user = '', offers = [], skipped = [] } = attempt.identity ?? {}
  const said =
    offers.length === 0 ? 'there was no key to offer' : `offered: ${offers.map((offer) => offer.label).join(', ')}`
  const what = attempt.partial ? `the login as ${user} needs more than a key` : `the login as ${user} was refused`
  const left = skipped.length === 0 ? '' : `; not offered: ${skipped.join(', ')}`
  const hint =
    skipped.length > 0
      ? 'unlock the key with ssh-add'
      : `provision logs in with keys only: is the key in ${user}'s authorized_keys there, and is ${user} the right account? See login.user and login.identityFile`
  return new ConnectError('login', what, `${said}${left}; ${hint}`)
}

/** node-ssh's words for a connection that closed without an error. */
function isSilentClose(error: Error): boolean {
  return error.message === 'No response from server'
}
