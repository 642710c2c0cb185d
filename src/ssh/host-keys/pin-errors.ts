import { ConnectError } from '../../errors.ts'
import { fingerprintOf, type HostKey, hostKeyText } from './known-hosts.ts'
import type { KnownKeys, Pinned, UnknownKey } from './pinned.ts'

/** Nobody has said yet that this is its key. */
export function unknownHostKey(host: Pinned, presented: UnknownKey): ConnectError {
  return new ConnectError(
    'unknown-host-key',
    `the host key of ${host.name} is not known yet; the host presented ${presented.type} ${presented.fingerprint}`,
    'compare the fingerprint on the machine itself (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), ' +
      'then run `provision trust INVENTORY`, or pin the first key that the host presents with --trust-first',
  )
}

/**
 * Another key than those that are pinned. `accepted`: the user accepts it, and only the user can change the inventory.
 */
export function changedHostKey(
  host: Pinned,
  presented: UnknownKey,
  known: KnownKeys,
  accepted: HostKey | undefined,
): ConnectError {
  const pinned = new Set([...known.keys.map((key) => `${key.type} ${fingerprintOf(key)}`), ...known.fingerprints])
  // A gateway of the inventory, and no machine that is only jumped through.
  const comesBack =
    'dial' in host
      ? `. To have its devices reconnect by themselves: provision restore-gateway INVENTORY ${host.name}`
      : ''
  const hint = accepted
    ? `the pinned key is in the inventory: write "${hostKeyText(accepted)}" under "hostKeys" there`
    : 'was the machine reinstalled? Then compare the fingerprint on the machine itself and run again with ' +
      `--accept-new-host-key ${host.name}; otherwise another machine answers in its place${comesBack}`
  const sentence = `${host.name} presented another host key than the pinned one`
  return new ConnectError(
    'changed-host-key',
    `${sentence}: ${presented.type} ${presented.fingerprint}, pinned is ${[...pinned].join(', ')}`,
    hint,
  )
}

export function revokedHostKey(host: Pinned, presented: UnknownKey): ConnectError {
  return new ConnectError(
    'changed-host-key',
    `${host.name} presented a host key that is marked @revoked: ${presented.type} ${presented.fingerprint}`,
    'this key was revoked, so another machine may hold it: do not log in; give the machine a new host key',
  )
}
