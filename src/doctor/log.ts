import { duration } from '../report/duration.ts'
import type { Facts } from './facts.ts'

/** A line of a journal in `short-unix`. */
export interface Entry {
  /** Seconds since 1970, by that machine's clock. */
  readonly at: number
  /** The program that said it. */
  readonly by: string
  readonly pid: string
  readonly text: string
}

export function entries(text: string | undefined): Entry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [, at, by, pid = '', text] = /^(\d+\.\d+) \S+ ([^\s:[]+)(?:\[(\d+)\])?: (.*)$/.exec(line) ?? []
    return at && by && text !== undefined ? [{ at: Number(at), by, pid, text }] : []
  })
}

/** What the gateway's sshd has in its log about one device. */
export interface LoginHistory {
  readonly now: number
  /** The last login that opened a tunnel. */
  readonly last?: Login
  /** The last login of all. */
  readonly newest?: Login
  /** How that ended, as far as sshd has noticed. */
  readonly end?: { readonly at: number; readonly why?: string | undefined }
  /** Is its connection still open, as far as the gateway knows. */
  readonly stands: boolean
  /** Did others log in from its address: a site behind one address, whose attempts cannot be told apart. */
  readonly shared: boolean
  /** Is this about its account, and not only about the address. */
  readonly isOfAccount: (entry: Entry) => boolean
  /** Since its last login, about it or its address, newest last. */
  readonly since: readonly Entry[]
}

interface Login {
  readonly at: number
  readonly pid: string
  readonly address: string
  readonly port: string
  readonly key: string
}

/** A session that was shorter opened no tunnel: a test, as the doctor's own, or a failed attempt. */
const leastSeconds = 5

export function past(facts: Facts, account: string): LoginHistory {
  const now = Number(facts.get('now') ?? 0)
  const all = entries(facts.get('log'))
  const logins = entries(facts.get('logins')).flatMap(({ at, pid, text }): Login[] => {
    const [, address, port, key] = /^Accepted publickey for \S+ from (\S+) port (\d+) \S+ \S+ (\S+)/.exec(text) ?? []
    return address && port && key ? [{ at, pid, address, port, key }] : []
  })
  const of = ({ address, port }: Login, { text }: Entry) => `${text} `.includes(` ${address} port ${port} `)
  const endOf = (login: Login) => {
    const ends = all.filter(
      (entry) => entry.at >= login.at && ((of(login, entry) && ending(entry.text)) || closes(login, entry)),
    )
    const [first] = ends
    return first && { at: first.at, why: ends.flatMap(({ text }) => ending(text) ?? [])[0] }
  }
  const long = (login: Login) => (endOf(login)?.at ?? Number.POSITIVE_INFINITY) - login.at >= leastSeconds
  // What sshd says of a key it does not even look at names nobody: it is of the same process.
  const named = new Set(all.flatMap(({ pid, text }) => (words(text).includes(account) ? [pid] : [])))
  const isOfAccount = ({ pid, text }: Entry) => words(text).includes(account) || (named.has(pid) && !ending(text))
  const newest = logins.at(-1)
  const last = logins.findLast(long) ?? newest
  if (!last || !newest) return { now, stands: false, shared: false, isOfAccount, since: all.filter(isOfAccount) }

  const end = endOf(last)
  const stop = all.find(({ at, text }) => at > last.at && /^Received signal (15|2);/.test(text))
  const stands = (facts.get('sessions') ?? '').split('\n').some((row) => row.trim().endsWith(peer(last)))
  const about = (entry: Entry) =>
    isOfAccount(entry) || entry.text.includes(` ${last.address} port `) || entry.text.includes(`[${last.address}]:`)
  const fromThere = all.filter(
    ({ text }) => text.startsWith('Accepted ') && text.includes(` from ${last.address} port `),
  )
  return {
    now,
    last,
    newest,
    ...(end ? { end } : stop && !stands ? { end: { at: stop.at, why: 'the sshd of the gateway was stopped' } } : {}),
    stands,
    isOfAccount,
    shared: fromThere.some(({ text }) => !text.includes(` ${last.key}`)),
    since: all.filter(
      (entry) =>
        entry.at >= last.at && about(entry) && !logins.some((login) => of(login, entry) || login.pid === entry.pid),
    ),
  }
}

/** PAM's lines come from the process that accepted it. The session itself, shut up in its folder, reaches no log. */
const closes = (login: Login, { pid, text }: Entry) => pid === login.pid && /session closed for user /.test(text)

/** As ss writes it. */
const peer = ({ address, port }: Login) => `${address.includes(':') ? `[${address}]` : address}:${port}`

const words = (text: string) => text.split(/[\s'":,()]+/)

const endings: readonly (readonly [RegExp, string])[] = [
  [/^Timeout, client not responding/, 'it stopped answering, as when power or the link is lost'],
  [
    /^(Received disconnect|Disconnected from)/,
    'it closed the connection itself, as when its unit is stopped or the device shuts down',
  ],
  [/^Connection (closed|reset)/, 'its connection broke, as when its ssh is killed'],
  [/^fatal: |^error: /, 'sshd ended it after an error'],
]

const ending = (text: string) => endings.find(([pattern]) => pattern.test(text))?.[1]

/** `10 min ago (2026-11-24T10:00:00Z)`. */
export const ago = (at: number, now: number) => `${duration(Math.round(now - at))} ago (${moment(at)})`

/** `for 10 min (since 2026-11-24T10:00:00Z)`. */
export const lasting = (at: number, now: number) => `for ${duration(Math.round(now - at))} (since ${moment(at)})`

const moment = (at: number) => new Date(at * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
