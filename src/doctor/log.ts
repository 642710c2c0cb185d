import type { Facts } from './facts.ts'

/** A line of a journal in `short-unix`. */
export interface Entry {
  /** Seconds since 1970, by that machine's clock. */
  readonly at: number
  /** The program that said it. */
  readonly by: string
  readonly text: string
}

export function entries(text: string | undefined): Entry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [, at, by, text] = /^(\d+\.\d+) \S+ ([^\s:[]+)(?:\[\d+\])?: (.*)$/.exec(line) ?? []
    return at && by && text !== undefined ? [{ at: Number(at), by, text }] : []
  })
}

/** What the gateway's sshd has in its log about one device. */
export interface Past {
  readonly now: number
  /** Its last login. */
  readonly last?: { readonly at: number; readonly address: string; readonly port: string }
  /** How that ended, as far as sshd has noticed. */
  readonly end?: { readonly at: number; readonly why: string }
  /** Did others log in from its address: a site behind one address, whose knocking cannot be told apart. */
  readonly shared: boolean
  /** Since its last login, about it or its address, newest last. */
  readonly since: readonly Entry[]
}

export function past(facts: Facts, account: string): Past {
  const now = Number(facts.get('now') ?? 0)
  const all = entries(facts.get('log'))
  const accepted = entries(facts.get('last')).at(-1)
  const [, address, port, key] =
    /Accepted publickey for \S+ from (\S+) port (\d+) \S+ \S+ (\S+)/.exec(accepted?.text ?? '') ?? []
  const last = accepted && address && port ? { at: accepted.at, address, port } : undefined
  const about = ({ text }: Entry) =>
    words(text).includes(account) ||
    (address !== undefined && (text.includes(` ${address} port `) || text.includes(`[${address}]:`)))
  const since = all.filter((entry) => entry.at >= (last?.at ?? 0) && about(entry))
  const end = last && since.find(({ text }) => text.includes(` ${last.address} port ${last.port}`) && ending(text))
  const stop = last && all.find(({ at, text }) => at > last.at && /Received signal (15|2);/.test(text))
  const why = end ? ending(end.text) : undefined
  const strangers = all.filter(
    ({ text }) => text.startsWith('Accepted ') && text.includes(` from ${address} port `) && !text.includes(` ${key}`),
  )
  return {
    now,
    ...(last && { last }),
    ...(end && why
      ? { end: { at: end.at, why } }
      : stop
        ? { end: { at: stop.at, why: 'the sshd of the gateway was stopped' } }
        : {}),
    shared: strangers.length > 0,
    since: since.filter(({ text }) => !(last && text.includes(` port ${last.port}`))),
  }
}

const words = (text: string) => text.split(/[\s'":,()]+/)

const endings: readonly (readonly [RegExp, string])[] = [
  [/^Timeout, client not responding/, 'it fell silent, as when power or link are lost'],
  [
    /^(Received disconnect|Disconnected from)/,
    'it hung up by itself, as when its unit is stopped or it goes down in order',
  ],
  [/^Connection (closed|reset)/, 'its ssh was cut off, as when it is killed'],
  [/^fatal: |^error: /, 'sshd gave it up'],
]

const ending = (text: string) => endings.find(([pattern]) => pattern.test(text))?.[1]

/** Seconds, for people. */
export function duration(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds))
  if (rounded < 120) return `${rounded} s`
  if (rounded < 7200) return `${Math.round(rounded / 60)} min`
  if (rounded < 172_800) return `${Math.round(rounded / 3600)} h`
  if (rounded < 63_072_000) return `${Math.round(rounded / 86_400)} days`
  return `${Math.round(rounded / 31_536_000)} years`
}

/** `10 min ago (2026-11-24T10:00:00Z)`. */
export const ago = (at: number, now: number) =>
  `${duration(now - at)} ago (${new Date(at * 1000).toISOString().replace(/\.\d+Z$/, 'Z')})`
