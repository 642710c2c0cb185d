import type { GatewayFacts, LogLine } from './gateway-facts.ts'

/** A session that lasted less opened no tunnel: a device that dials in vain comes and goes all the time. */
const leastSession = 5

/**
 * When the last tunnel of an account ended, by sshd's log; seconds since 1970. `keys`: of all sessions of the account
 * those that were opened with one of these. Undefined: the log does not tell. A session whose end nobody wrote down
 * ended with the gateway's power, if that went off since.
 */
export function tunnelEnded(told: GatewayFacts, account: string, keys?: readonly string[]): number | undefined {
  const mine = told.log.filter(({ text }) => mentions(text, account))
  const accepted = mine.filter(({ text }) => /^Accepted /.test(text))
  const own = new Set(
    accepted.filter(({ text }) => !keys || keys.some((key) => text.includes(key))).map(({ pid }) => pid),
  )
  const ended = mine.find((line) => {
    if (!ends(line, account) || (keys && !own.has(line.pid))) return false
    const began = accepted.find(({ pid, at }) => pid === line.pid && at <= line.at)
    return began === undefined || line.at - began.at >= leastSession
  })
  const newest = accepted.find(({ pid }) => own.has(pid))
  const booted = told.now === undefined || told.bootAge === undefined ? undefined : told.now - told.bootAge
  if (newest && booted !== undefined && newest.at < booted && (ended === undefined || ended.at < newest.at))
    return booted
  return ended?.at
}

const mentions = (text: string, account: string) => new RegExp(`(for|user) ${escaped(account)}( |\\(|$)`).test(text)

/** PAM's words come from the process that said `Accepted`, the others from one below it. */
function ends({ text }: LogLine, account: string): boolean {
  const who = `user ${escaped(account)}`
  return new RegExp(`session closed for ${who}$|^Disconnected from ${who} |not responding from ${who} `).test(text)
}

const escaped = (text: string) => text.replaceAll(/[$.]/g, '\\$&')
