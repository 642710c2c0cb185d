import type { FoundHost } from './found.ts'
import type { Leftovers } from './leftovers.ts'

type FoundLogin = Pick<FoundHost, 'user' | 'identityFile'>

/** What most hosts have, where every host has something: a host that says nothing keeps to your ssh_config. */
export function commonLogin(hosts: readonly FoundHost[]): FoundLogin {
  const most = (key: keyof FoundLogin) => {
    const counts = new Map<string, number>()
    const values = hosts.flatMap((host) => host[key] ?? [])
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
    return values.length < hosts.length ? undefined : [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0]
  }
  const [user, identityFile] = [most('user'), most('identityFile')]
  return { ...(user !== undefined && { user }), ...(identityFile !== undefined && { identityFile }) }
}

export function ownLogin({ user, identityFile }: FoundHost, login: FoundLogin): { login?: FoundLogin } {
  const own = {
    ...(user !== undefined && user !== login.user && { user }),
    ...(identityFile !== undefined && identityFile !== login.identityFile && { identityFile }),
  }
  return Object.keys(own).length > 0 ? { login: own } : {}
}

/** A gateway has an administrator: the account of its tunnels is for nobody else. */
export function administered<T extends FoundHost>(host: T, left: Leftovers): T {
  if (host.user !== TUNNEL_ACCOUNT) return host
  left.add(`its user ${host.user} is kept for tunnels: write who administers it under "login"`, host.name)
  const { user, ...rest } = host
  return rest as T
}

/** The default of a gateway's "tunnelAccount". */
const TUNNEL_ACCOUNT = 'tunnel'
