import type { Host } from '../../inventory/model.ts'
import type { Transport } from './link.ts'
import { nodeSsh } from './node-ssh/handshake.ts'
import { openssh } from './openssh/handshake.ts'
import type { Wire } from './wire.ts'

const TRANSPORTS: Readonly<Record<NonNullable<Wire['transport']>, Transport>> = { 'node-ssh': nodeSsh, openssh }

/** What the run wants, else what the inventory says of the host. */
export function transportTo({ login }: Pick<Host, 'login'>, { transport }: Wire): Transport {
  return TRANSPORTS[transport ?? login.transport ?? 'node-ssh']
}
