import type { GatewayFacts, LogLine } from './gateway-facts.ts'

/** How the last tunnel of an account ended, by sshd's log. */
export interface TunnelEnd {
  /** Seconds since 1970. */
  readonly at: number
  /**
   * `goodbye`: the device said so. `silence`: nothing was heard of it any more. `abrupt`: neither; its ssh was killed,
   * or gave up because it heard nothing. `power`: nobody wrote it down, and the gateway's power went off since.
   */
  readonly how: 'goodbye' | 'silence' | 'abrupt' | 'power'
  /** An sshd from before 9.8, by the name of its sessions. */
  readonly old: boolean
}

/** A session that lasted less opened no tunnel: a device that dials in vain comes and goes all the time. */
const leastSession = 5

/**
 * `keys`: of all sessions of the account those that were opened with one of these. Undefined: the log does not tell.
 */
export function tunnelEnd(told: GatewayFacts, account: string, keys?: readonly string[]): TunnelEnd | undefined {
  const mine = told.log.filter(({ text }) => mentions(text, account))
  const accepted = mine.filter(({ text }) => /^Accepted /.test(text))
  const own = new Set(
    accepted.filter(({ text }) => !keys || keys.some((key) => text.includes(key))).map(({ pid }) => pid),
  )
  const began = ({ pid, at }: LogLine) => accepted.find((line) => line.pid === pid && line.at <= at)
  const ended = mine.find((line) => {
    if (!ends(line, account) || (keys && !own.has(line.pid))) return false
    const from = began(line)
    return from === undefined || line.at - from.at >= leastSession
  })
  const newest = accepted.find(({ pid }) => own.has(pid))
  const booted = told.now === undefined || told.bootAge === undefined ? undefined : told.now - told.bootAge
  if (newest && booted !== undefined && newest.at < booted && (ended === undefined || ended.at < newest.at))
    return { at: booted, how: 'power', old: false }
  return ended && { at: ended.at, how: how(ended, told.log, account, began(ended)), old: ended.program === 'sshd' }
}

/** The lines of one end come from two processes, with one address and port; and not all with the account. */
function how(ended: LogLine, log: readonly LogLine[], account: string, began: LogLine | undefined): TunnelEnd['how'] {
  const from = / from (\S+ port \d+)/.exec(began?.text ?? '')?.[1]
  const said = log
    .filter(({ at }) => Math.abs(at - ended.at) < 5)
    .map(({ text }) => text)
    .filter((text) => (from ? text.includes(` ${from}`) : mentions(text, account)))
  if (said.some((text) => / not responding from /.test(text))) return 'silence'
  return said.some((text) => /^(Disconnected from|Received disconnect) /.test(text)) ? 'goodbye' : 'abrupt'
}

const mentions = (text: string, account: string) => new RegExp(`(for|user) ${escaped(account)}( |\\(|$)`).test(text)

/** PAM's words come from the process that said `Accepted`, the others from one below it. */
function ends({ text }: LogLine, account: string): boolean {
  const who = `user ${escaped(account)}`
  return new RegExp(`session closed for ${who}$|^Disconnected from ${who} |not responding from ${who} `).test(text)
}

const escaped = (text: string) => text.replaceAll(/[$.]/g, '\\$&')
