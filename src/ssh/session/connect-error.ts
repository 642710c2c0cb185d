import { ConnectError, NoCommonHostKey } from '../../errors.ts'
import type { Identity } from './identity.ts'

/** What ended an attempt, as a transport saw it. `hung-up`: the host closed the connection and gave no reason. */
export type Cause =
  | { readonly kind: 'refused' | 'too-many-keys' | 'agent' | 'timeout' | 'hung-up' }
  /** `hostKey`: it is host keys that do not match. */
  | { readonly kind: 'no-match'; readonly why: string; readonly hostKey: boolean }
  | { readonly kind: 'other'; readonly why: string }

/** What else is known about an attempt that failed. */
export interface FailedAttempt {
  readonly transport: 'node-ssh' | 'openssh'
  /** The first bytes the host sent. */
  readonly greeting: string
  /** The key exchange was completed. */
  readonly spoke: boolean
  /** A key was accepted, and the host wanted more. */
  readonly partial?: boolean | undefined
  readonly identity?: Identity | undefined
  /** The keys that it was offered, for people. */
  readonly offered?: readonly string[] | undefined
  /** What the host sent for people to read: its banner, and why it ended the connection. */
  readonly said?: readonly string[] | undefined
  /** What else was said about keys. */
  readonly remarks?: readonly string[] | undefined
  readonly timeoutMs: number
}

/**
 * sshd keeps our whole network out for a while (PerSourcePenalties, OpenSSH 9.8 and later): more tries make it longer.
 * 10.0 says the same when too many logins are under way (MaxStartups); only its log tells them apart.
 */
export function isPenalised(greeting: string): boolean {
  return /not allowed at this time/i.test(greeting)
}

/** What went wrong, with what to do about it. */
export function connectError(cause: Cause, attempt: FailedAttempt): ConnectError {
  if (isPenalised(attempt.greeting)) {
    return new ConnectError(
      'unreachable',
      'its sshd refuses connections from this address for now',
      'too many failed logins came from this network (PerSourcePenalties), or too many are under way (MaxStartups): ' +
        'wait half a minute; on the host, `journalctl -u ssh | grep "drop connection"` tells why',
    )
  }
  switch (cause.kind) {
    case 'no-match':
      return new (cause.hostKey ? NoCommonHostKey : ConnectError)(
        'login',
        `its sshd and provision have no algorithm in common: ${cause.why}`,
        noMatchHint(attempt),
      )
    case 'agent':
      return new ConnectError('login', 'the ssh agent did not sign', agentHint(attempt))
    case 'refused':
    case 'too-many-keys':
      return refused(attempt, cause.kind === 'too-many-keys')
    case 'timeout': {
      const seconds = attempt.timeoutMs / 1000
      const silent = attempt.greeting === ''
      return new ConnectError(
        'unreachable',
        silent
          ? `the port accepts the connection, but the host sends nothing for ${seconds} s`
          : `no login within ${seconds} s`,
      )
    }
    case 'hung-up': {
      const firstLine = attempt.greeting.split(/[\r\n]/)[0]?.replace(/[^\x20-\x7e]/g, '') ?? ''
      const sent = firstLine === '' || firstLine.startsWith('SSH-') ? '' : `; it sent "${firstLine.slice(0, 80)}"`
      return new ConnectError(
        'unreachable',
        `the host closed the connection ${attempt.spoke ? 'during the login' : 'before it identified itself'}${sent}${saidBy(attempt)}`,
      )
    }
    case 'other':
      return new ConnectError('unreachable', cause.why)
  }
}

/** How to change to the other transport. */
const useOpenssh = '--transport openssh, or "transport": "openssh" under its "login"'

function noMatchHint({ transport }: FailedAttempt): string {
  const widen = 'widen KexAlgorithms or HostKeyAlgorithms there, for example with curve25519-sha256 and ssh-ed25519'
  return transport === 'node-ssh'
    ? `its sshd offers only algorithms that node-ssh lacks (post-quantum ones alone, or only SHA-1): your own ssh may support them: ${useOpenssh}; or ${widen}`
    : `its sshd offers only algorithms that your own ssh lacks, or that your ssh_config does not allow: ${widen}`
}

function agentHint({ transport }: FailedAttempt): string {
  const unlock = 'is the agent locked? Or name the key: login.identityFile'
  return transport === 'node-ssh' ? `${unlock}. Where the key is bound to hosts (ssh-add -h): ${useOpenssh}` : unlock
}

/** In the host's own words. */
const saidBy = ({ said = [] }: FailedAttempt) => (said.length === 0 ? '' : `; it says: ${said.join(' / ')}`)

function refused(attempt: FailedAttempt, tooMany: boolean): ConnectError {
  const { transport, identity, offered = [], remarks = [], partial } = attempt
  const { user = '', skipped = [], foreign = [] } = identity ?? {}
  const keys = offered.length === 0 ? 'there was no key to offer' : `offered: ${offered.join(', ')}`
  const what = partial
    ? `the login as ${user} needs more than a key`
    : tooMany
      ? `the login as ${user} was refused after ${offered.length === 1 ? 'one key' : `${offered.length} keys`}: its sshd lets nobody try more (MaxAuthTries)`
      : `the login as ${user} was refused`
  const left = skipped.length === 0 ? '' : `; not offered: ${skipped.join(', ')}`
  const others =
    foreign.length > 0 && transport === 'node-ssh'
      ? [`node-ssh cannot offer ${foreign.join(', ')}, your own ssh can: ${useOpenssh}`]
      : []
  const hint = tooMany
    ? 'name the right key: login.identityFile in the inventory, or IdentityFile with IdentitiesOnly in your ssh_config'
    : skipped.length > 0
      ? 'unlock the key with ssh-add'
      : `provision logs in with keys only: is the key in ${user}'s authorized_keys there, and is ${user} the right account? See login.user and login.identityFile`
  return new ConnectError(
    'login',
    `${what}${saidBy(attempt)}`,
    [`${keys}${left}`, ...remarks, ...others, hint].join('; '),
  )
}
