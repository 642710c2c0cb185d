import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isLoopback } from '../../inventory/addresses.ts'

/** Who may see the page. */
export interface Access {
  /** Absent: whoever is on this machine. */
  readonly token?: string | undefined
}

/**
 * Undefined: this request may see it. Else the status to answer with. Without a token only a browser that was told an
 * address of this machine is served: a page from elsewhere, under a name that leads here, could read it otherwise.
 */
export function refusedWith(
  { token }: Access,
  { host = '', authorization = '' }: IncomingHttpHeaders,
): 401 | 421 | undefined {
  if (token === undefined) return isOwn(host.replace(/:\d+$/, '')) ? undefined : 421
  const [, kind, given = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? []
  if (kind === undefined) return 401
  const text =
    kind.toLowerCase() === 'basic'
      ? Buffer.from(given, 'base64')
          .toString()
          .replace(/^[^:]*:/, '')
      : given
  return timingSafeEqual(digest(text), digest(token)) ? undefined : 401
}

const digest = (text: string) => createHash('sha256').update(text).digest()
const isOwn = (host: string) => host === 'localhost' || isLoopback(host.replace(/^\[(.*)\]$/, '$1'))
