/** `[user@]host[:port]` or `ssh://…`, as ProxyJump takes it. `ssh -G` prints an address in brackets. */
export function parseJump(text: string): { readonly user?: string; readonly host: string; readonly port?: number } {
  const { user, rest = text } = /^(?:ssh:\/\/)?(?:(?<user>.+)@)?(?<rest>.+?)\/?$/.exec(text.trim())?.groups ?? {}
  const [, host = rest.replace(/^\[|\]$/g, ''), port] =
    /^\[(.+)\]:(\d+)$/.exec(rest) ?? /^([^:]+):(\d+)$/.exec(rest) ?? []
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) }
}

/** The words that `parseJump` reads. */
export function printJump(jump: { readonly user?: string; readonly host: string; readonly port?: string }): string {
  const { user, host, port } = jump
  const bracketed = host.includes(':') ? `[${host}]` : host
  return `${user === undefined ? '' : `${user}@`}${bracketed}${port === undefined ? '' : `:${port}`}`
}
