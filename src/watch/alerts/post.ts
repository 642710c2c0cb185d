import { ProvisionError } from '../../errors.ts'
import { errorCode } from '../../files/atomic.ts'

/** A message did not arrive. Says why without any part of a URL but its host, for the rest may be a secret. */
export class NotSent extends ProvisionError {}

export interface Posting {
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  /** Absent: it is said what a body of JSON is. */
  readonly type?: string
}

/** Long enough for a server that is slow; one that hangs is tried again. */
const postMs = 20_000
const mostMoves = 3

/**
 * Sends it by POST. Where the target has moved it follows, still by POST, but never from https to http, and without
 * telling another server what authorises us. @throws NotSent
 */
export async function post(target: string, { headers = {}, body, type = 'application/json' }: Posting): Promise<void> {
  let url = urlOf(target)
  let sent: Record<string, string> = { 'content-type': type, 'user-agent': 'provision', ...headers }
  for (let moves = 0; ; moves++) {
    const response = await request(url, { method: 'POST', headers: sent, body })
    if (response.ok) return
    const next = response.headers.get('location')
    const moved = [301, 302, 307, 308].includes(response.status) && next !== null && URL.canParse(next, url.href)
    if (!moved || moves >= mostMoves) throw new NotSent(`${url.hostname} answered ${response.status}`)
    const to = new URL(next, url)
    if (url.protocol === 'https:' && to.protocol !== 'https:')
      throw new NotSent(`${url.hostname} has moved to ${to.hostname}, which is not https`, 'correct the URL')
    if (to.origin !== url.origin) sent = Object.fromEntries(Object.entries(sent).filter(([name]) => !isSecret(name)))
    url = to
  }
}

/** Fetches it, and does not look at what comes. @throws NotSent */
export async function fetchUrl(target: string): Promise<void> {
  const url = urlOf(target)
  const response = await request(url, { method: 'GET', redirect: 'follow' })
  if (!response.ok) throw new NotSent(`${url.hostname} answered ${response.status}`)
}

async function request(url: URL, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(postMs), ...init })
    // Nobody reads it, but it would keep the connection.
    await response.body?.cancel()
    return response
  } catch (error) {
    if (error instanceof DOMException) throw new NotSent(`${url.hostname} did not answer within ${postMs / 1000} s`)
    const code = error instanceof Error ? errorCode(error.cause) : undefined
    throw new NotSent(`${url.hostname} could not be reached${code ? ` (${code})` : ''}`)
  }
}

function urlOf(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text)
    if (url.protocol === 'https:' || url.protocol === 'http:') return url
  }
  throw new NotSent('what is kept there is not a URL of https or http')
}

const isSecret = (header: string) => header.toLowerCase() === 'authorization'
