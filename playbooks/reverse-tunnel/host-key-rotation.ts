import type { Device, Gateway, Inventory, KnownHost, Late, Refused, Resource, Seen } from '../../src/index.ts'
import { hostKeysAfterReload, hostKeysOf, known, knownHost, nextHostKeysOf, pinnedKeys } from '../../src/index.ts'
import { dials, gatewaysOf } from '../../src/tunnel/accounts.ts'
import { knownHosts } from '../../src/tunnel/names.ts'
import { spareKeys } from './kept-keys.ts'

/**
 * What devices trust of a gateway: what its sshd proves now, what its key files say it will, what comes next, and its
 * spare.
 */
export function gatewayKeys({ name }: Gateway, spares: readonly string[] = []): Late<readonly string[]> {
  return (seen) => {
    const configured = known(hostKeysOf(name), seen)
    const next = known(nextHostKeysOf(name), seen) ?? []
    return configured && [...new Set([...configured, ...(seen.proved?.(name) ?? []), ...next, ...spares])]
  }
}

/** The lines about a gateway in the known_hosts of its devices. */
export const trustedOf = (gateway: Gateway, inventory: Inventory): KnownHost => ({
  name: gateway.name,
  keys: gatewayKeys(gateway, spareKeys(gateway, inventory)),
  authorities: authoritiesOf(gateway),
})

/** Who signs certificates of this gateway, as the inventory has it. */
export const authoritiesOf = ({ hostKeys: pins }: Gateway) =>
  pins.flatMap((pin) => (pin.startsWith('@cert-authority ') ? [pin.slice('@cert-authority '.length)] : []))

/** A rotation begins where it is asked for and sshd proves what its key files say. */
export function beginsRotation({ name }: Gateway, { rotate }: Inventory): Late<boolean> {
  return (seen) => rotate?.hostKeys === name && unproved(name, seen).length === 0
}

/** The next host keys may take over when everybody who checks this gateway trusts them. */
export function mayRotate(gateway: Gateway, devices: readonly Device[]) {
  return (next: readonly string[], seen: Seen): boolean | undefined => {
    const { away, soon } = strangers(gateway, devices, next, seen)
    return away.length > 0 ? false : soon ? undefined : true
  }
}

/**
 * A resource whose change reloads the sshd of this host. When host keys on disk were replaced, that is the moment from
 * which sshd proves the new ones: refused, before anything moves, while somebody who checks them does not trust them.
 * `devices`: those that may check the keys of a gateway.
 */
export function reloading(host: Gateway | Device, devices: readonly Device[], resource: Resource): Resource {
  return {
    ...resource,
    diff(now, seen) {
      const verdict = resource.diff(now, seen)
      if (typeof verdict === 'string' || 'refused' in verdict) return verdict
      const { all, fresh, away, soon } =
        host.role === 'device' ? reloadOfDevice(host, seen) : reloadOfGateway(host, devices, seen)
      if (fresh.length === 0) return verdict
      if (away.length > 0) return cut(host.name, away)
      return soon ? 'later' : { ...verdict, hostKeys: all }
    },
  }
}

/** What a reload of sshd means for those who check its host keys. */
interface Reload extends Distrust {
  /** The host keys that sshd proves after it. */
  readonly all: readonly string[]
  /** Those of them that sshd does not prove yet. */
  readonly fresh: readonly string[]
}

function reloadOfGateway(gateway: Gateway, devices: readonly Device[], seen: Seen): Reload {
  const fresh = unproved(gateway.name, seen)
  return { all: known(hostKeysOf(gateway.name), seen) ?? [], fresh, ...strangers(gateway, devices, fresh, seen) }
}

/** Only this machine checks the host keys of a device. */
function reloadOfDevice({ name }: Device, seen: Seen): Reload {
  const { all, unread } = known(hostKeysAfterReload(name), seen) ?? { all: [], unread: [] }
  const proved = seen.proved?.(name) ?? []
  const fresh = unread.filter((key) => !proved.includes(key))
  return { all, fresh, away: fresh.some((key) => seen.trusts?.(name, key)) ? [] : [thisMachine], soon: false }
}

/** Why a rotation that was begun, or new key files, are not in force after a run. */
export function pendingHostKeys(gateway: Gateway, devices: readonly Device[], seen: Seen): string[] {
  const next = known(nextHostKeysOf(gateway.name), seen) ?? []
  const fresh = next.length > 0 ? next : unproved(gateway.name, seen)
  const { away, soon } = strangers(gateway, devices, fresh, seen)
  if (fresh.length === 0 || (away.length === 0 && (soon || next.length === 0))) return []
  if (next.length === 0) return [`${gateway.name}: its sshd has new host keys, not trusted yet by ${list(away)}`]
  return [`${gateway.name}: its next host keys wait for ${list(away) || 'the next run'}`]
}

const thisMachine = 'this machine (its pins)'

/** Host keys on disk that the running sshd does not prove: it would after a reload. */
function unproved(gateway: string, seen: Seen): readonly string[] {
  const proved = seen.proved?.(gateway)
  const configured = known(hostKeysOf(gateway), seen) ?? []
  return proved ? configured.filter((key) => !proved.includes(key)) : []
}

/** Who does not trust host keys yet. */
interface Distrust {
  /** Those who cannot learn the keys in this run. */
  readonly away: readonly string[]
  /** Does somebody else learn them later in this run. */
  readonly soon: boolean
}

/** Who would no longer get in to the gateway if it proved these keys. */
function strangers(gateway: Gateway, devices: readonly Device[], keys: readonly string[], seen: Seen): Distrust {
  const lacking = devices.filter((device) => {
    const trusted = pinnedKeys(knownHosts, { on: device.name, name: gateway.name }, seen)
    return dials(device, gateway) && !keys.every((key) => trusted.includes(key))
  })
  const away = lacking.filter(({ name }) => seen.gone(name)).map(({ name }) => name)
  const pinned = keys.some((key) => seen.trusts?.(gateway.name, key))
  return { away: pinned || seen.gone(gateway.name) ? away : [...away, thisMachine], soon: lacking.length > 0 }
}

function cut(name: string, away: readonly string[]): Refused {
  const hints = [
    ...(away.some((who) => who !== thisMachine)
      ? ['reach these devices first: a run gives them the new key beside the old one']
      : []),
    ...(away.includes(thisMachine)
      ? [
          `compare the new keys on the machine itself, then run with --accept-new-host-key ${name}, or write them under its "hostKeys"`,
        ]
      : []),
  ]
  return {
    refused: `a reload would make sshd prove other host keys, because its key files were replaced; not trusted yet by ${list(away)}`,
    hint: hints.join('; '),
  }
}

const list = (names: readonly string[]) => names.join(', ')

/** On a device: the host keys of its gateways. */
export const trusting = (device: Device, inventory: Inventory) =>
  gatewaysOf(device, inventory).map((gateway) => knownHost(knownHosts, trustedOf(gateway, inventory)))
