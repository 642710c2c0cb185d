/** `[user@]host[:port]` or `ssh://…`, as ProxyJump takes it. */
export function parseJump(text: string): { readonly user?: string; readonly host: string; readonly port?: number } {
  const { user, rest = text } = /^(?:ssh:\/\/)?(?:(?<user>.+)@)?(?<rest>.+?)\/?$/.exec(text)?.groups ?? {}
  const [, host = rest.replace(/^\[|\]$/g, ''), port] =
    /^\[(.+)\]:(\d+)$/.exec(rest) ?? /^([^:]+):(\d+)$/.exec(rest) ?? []
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) }
}
