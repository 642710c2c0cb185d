import type { Host } from '../../inventory/model.ts'
import type { HostKey } from './known-hosts.ts'

/** What of a host a pin depends on. */
export type Pinned = Pick<Host, 'name' | 'hostKeys' | 'port'>

/** Everything that is pinned for one host. */
export interface KnownKeys {
  readonly keys: readonly HostKey[]
  /** Pins that are fingerprints only: `SHA256:…`. */
  readonly fingerprints: readonly string[]
  readonly revoked: readonly HostKey[]
  /**
   * Keys that sign certificates of hosts (`@cert-authority`): a host with such a certificate for this name is trusted.
   */
  readonly authorities: readonly HostKey[]
  /** Where they are written. Pins in the inventory are the user's own text, and only the user changes them. */
  readonly from: 'inventory' | 'known_hosts'
}

export interface UnknownKey {
  readonly type: string
  readonly fingerprint: string
}
