import { addressAndPort } from '../../inventory/addresses.ts'

/** `[user@]host[:port]` or `ssh://…`, as ProxyJump takes it. `ssh -G` prints an address in brackets. */
export function parseJump(text: string): { readonly user?: string; readonly host: string; readonly port?: number } {
  const { user, rest = text } = /^(?:ssh:\/\/)?(?:(?<user>.+)@)?(?<rest>.+?)\/?$/.exec(text.trim())?.groups ?? {}
  const { address: host = rest.replace(/^\[|\]$/g, ''), port } = addressAndPort(rest) ?? {}
  return { host, ...(user !== undefined && { user }), ...(port !== undefined && { port }) }
}

/** The words that `parseJump` reads. */
export function printJump(jump: { readonly user?: string; readonly host: string; readonly port?: string }): string {
  const { user, host, port } = jump
  const bracketed = host.includes(':') ? `[${host}]` : host
  return `${user === undefined ? '' : `${user}@`}${bracketed}${port === undefined ? '' : `:${port}`}`
}
