import { ConnectError, ProvisionError } from '../errors.ts'
import type { Device, Gateway } from '../inventory/model.ts'
import type { HostKey } from '../pins.ts'
import { handshake } from './handshake.ts'
import { openSocket, type Roads } from './ways.ts'

/**
 * The host key that a host shows, along the first way that leads to its sshd; nobody logs in at the host itself.
 * Types that are pinned come first, then ed25519, ECDSA, RSA.
 * @throws ConnectError `unreachable`, listing the ways
 */
export async function fetchHostKey(
  host: Gateway | Device,
  ways: readonly string[],
  roads: Roads,
): Promise<{ readonly key: HostKey; readonly via: string }> {
  const failures: string[] = []
  for (const via of ways) {
    try {
      return { key: await fetch(host, via, roads), via }
    } catch (error) {
      if (!(error instanceof ProvisionError)) throw error
      failures.push(`${via}: ${error.message}`)
    }
  }
  throw new ConnectError('unreachable', `no host key to be had (${failures.join('; ')})`)
}

async function fetch(host: Gateway | Device, via: string, roads: Roads): Promise<HostKey> {
  const { wire } = roads
  const known = await wire.pins.for(host)
  for (let retries = 0; ; ) {
    wire.counts.connections++
    const outcome = await handshake(await openSocket(host, via, roads), { known, timeoutMs: wire.connectTimeoutMs })
    if (outcome.kind === 'key') return outcome.key
    if (outcome.kind === 'ready') throw new Error('a login that nobody asked for')
    if (via !== 'direct' || retries >= 3) throw outcome.error
    await wire.sleep(100 * 2 ** retries++ * (0.5 + wire.random()))
    wire.counts.retries++
  }
}
