/** How far the device's own attempt came, by the log of `ssh -v`. */
export interface DialAttempt {
  readonly resolved: boolean
  /** Why there was no connection: refused by somebody, unreachable by routing, or silence. */
  readonly refusal?: 'refused' | 'unreachable' | 'silent'
  readonly connected: boolean
  /** The greeting of whoever answered, when it was that of an sshd. */
  readonly banner?: string
  /** sshd accepted the connection and dropped it, for a reason that has nothing to do with its key. */
  readonly keptOut?: 'penalty' | 'MaxStartups'
  /** Fingerprint of the host key that was presented. */
  readonly hostKey?: string
  readonly distrusted: boolean
  readonly loggedIn: boolean
  /** The last line of ssh itself. */
  readonly said: string
}

export function parseDialAttempt(text: string): DialAttempt {
  const lines = text.split(/\r?\n/).filter(Boolean)
  const said = lines.filter((line) => !/^(debug\d|OpenSSH_|Warning: Permanently)/.test(line)).at(-1) ?? ''
  const has = (pattern: RegExp) => pattern.test(text)
  const banner = /remote software version (.+)/.exec(text)?.[1]
  const hostKey = /Server host key: \S+ (SHA256:\S+)/.exec(text)?.[1]
  const connected = has(/Connection established/)
  const refusal = connected ? undefined : refusalIn(text)
  const keptOut = has(/Not allowed at this time/)
    ? ('penalty' as const)
    : has(/Exceeded MaxStartups/i)
      ? ('MaxStartups' as const)
      : undefined
  return {
    resolved: !has(/Could not resolve hostname/),
    connected,
    distrusted: has(/Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/),
    loggedIn: has(/Authenticated to /),
    said,
    ...(refusal && { refusal }),
    ...(banner && { banner }),
    ...(keptOut && { keptOut }),
    ...(hostKey && { hostKey }),
  }
}

function refusalIn(text: string): DialAttempt['refusal'] {
  if (/Connection refused/.test(text)) return 'refused'
  if (/No route to host|Network is unreachable|Permission denied$|Operation not permitted/m.test(text))
    return 'unreachable'
  return /timed out|Connecting to /.test(text) ? 'silent' : undefined
}
