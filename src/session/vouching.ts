import type { Duplex } from 'node:stream'
import { ConnectError } from '../errors.ts'
import { type HostKey, judge, type KnownKeys, type Pinned } from '../pins.ts'
import { knock } from './knock.ts'
import { certifiedKey } from './openssh/handshake.ts'
import type { UserConfig } from './ssh-config.ts'
import type { Wire } from './wire.ts'

/** A host whose key is in question, and how to come to its sshd. */
export interface Vouching {
  readonly host: Pinned
  readonly wire: Wire
  readonly config: UserConfig
  readonly open: () => Promise<Duplex>
  /** It is a TCP connection from here. */
  readonly ownSocket: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * The pins of a host, with the key that a fingerprint or an authority among them was found to stand for in this run. Where
 * only an authority is pinned, the host is asked for its certificate first: a connection of its own, once.
 * @throws ConnectError
 */
export async function knownKeys(at: Vouching): Promise<KnownKeys> {
  const known = await at.wire.pins.for(at.host)
  const found = at.wire.vouched.get(at.host.name)
  const key = found ?? (onlyAuthorities(known) ? await certified(known, at) : undefined)
  const stands = key !== undefined && (known.authorities.length > 0 || judge(known, key) === 'known')
  return stands ? { ...known, keys: [...known.keys, key] } : known
}

/**
 * A key that was shown and is not among those: is it vouched for, or does the user say so?
 * @throws ConnectError `unknown-host-key`, `changed-host-key`
 */
export async function settleKey(key: HostKey, at: Vouching): Promise<void> {
  const known = await at.wire.pins.for(at.host)
  if (judge(known, key) === 'known') return void at.wire.vouched.set(at.host.name, key)
  if (known.authorities.length > 0 && judge(known, key) !== 'revoked') {
    try {
      const theirs = await certified(known, at)
      if (theirs.blob.equals(key.blob)) return
    } catch (error) {
      if (onlyAuthorities(known) || !(error instanceof ConnectError) || error.kind === 'unreachable') throw error
    }
  }
  await at.wire.pins.settle(at.host, key)
}

/** @throws ConnectError */
export async function certified(known: KnownKeys, at: Vouching): Promise<HostKey> {
  const { host, wire, config, signal } = at
  const wish = { name: host.name, known, config, wire, signal }
  const answer = await knock(async () => certifiedKey(await at.open(), wish), at)
  if (answer.kind === 'ready') throw new Error('a login that nobody asked for')
  wire.vouched.set(host.name, answer.key)
  return answer.key
}

function onlyAuthorities(known: KnownKeys): boolean {
  return known.authorities.length > 0 && known.keys.length + known.fingerprints.length === 0
}
