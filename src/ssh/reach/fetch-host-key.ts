import { ConnectError, ProvisionError } from '../../errors.ts'
import type { Device, Gateway } from '../../inventory/model.ts'
import type { HostKey } from '../host-keys/pins.ts'
import { undertaking } from '../session/connections.ts'
import { keyOfCertificate } from '../session/host-trust.ts'
import { connectWithRetry } from '../session/retry.ts'
import { transportTo } from '../session/transport.ts'
import { openSocket, type RouteContext } from './routes.ts'

export interface Fetched {
  readonly key: HostKey
  /** An authority that is pinned has signed it. */
  readonly certified: boolean
}

/**
 * The host key that a host presents, along the first route that leads to its sshd; nobody logs in to the host itself.
 * Types that are pinned come first, then ed25519, ECDSA, RSA.
 * @throws ConnectError `unreachable`, listing the routes
 */
export async function fetchHostKey(
  host: Gateway | Device,
  routes: readonly string[],
  routeContext: RouteContext,
): Promise<Fetched & { readonly via: string }> {
  const failures: string[] = []
  for (const via of routes) {
    try {
      return { ...(await fetch(host, via, routeContext)), via }
    } catch (error) {
      if (!(error instanceof ProvisionError)) throw error
      failures.push(`${via}: ${error.message}`)
    }
  }
  throw new ConnectError('unreachable', `no host key was received (${failures.join('; ')})`)
}

async function fetch(host: Gateway | Device, via: string, routeContext: RouteContext): Promise<Fetched> {
  const asking = undertaking(routeContext.wire.connections, undefined)
  return ask(host, via, routeContext, asking.signal).finally(asking.done)
}

async function ask(
  host: Gateway | Device,
  via: string,
  routeContext: RouteContext,
  signal: AbortSignal,
): Promise<Fetched> {
  const { wire } = routeContext
  const known = await wire.pins.for(host)
  const config = await wire.userConfig(host.name)
  const open = () => openSocket(host, via, routeContext)
  const at = { host, wire, config, open, ownSocket: via === 'direct', signal }
  if (known.authorities.length > 0) {
    const certified = await keyOfCertificate(known, at).catch((error: unknown) => {
      if (error instanceof ConnectError && error.kind !== 'unreachable') return undefined
      throw error
    })
    if (certified !== undefined) return { key: certified, certified: true }
  }
  const transport = transportTo(host, wire)
  const answer = await connectWithRetry(
    async () => transport(await open(), { name: host.name, known, config, wire, signal }),
    at,
  )
  if (answer.kind === 'ready') throw new Error('unexpected login')
  return { key: answer.key, certified: false }
}
