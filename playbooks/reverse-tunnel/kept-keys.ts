import type { Device, Gateway, Inventory, Late, ObservedKeys, Seen } from '../../src/index.ts'
import { known, pinnedKeys, publicKey } from '../../src/index.ts'
import { dials, gatewaysOf } from '../../src/tunnel/accounts.ts'
import { key, keysFolder, knownHosts, nameOnGateways, sharedKeys } from '../../src/tunnel/names.ts'
import { nextKey, nextKeyOf } from './key-rotation.ts'

/** The host key that the gateway would prove after it was installed anew: devices trust it from their first run on. */
export function spareKeys({ name }: Gateway, { kept }: Inventory): readonly string[] {
  const newest = kept?.spareHostKeys[name]?.at(-1)
  return newest ? [newest.key] : []
}

/**
 * The keys of a device that a gateway accepts: its present one, and while it moves to another one that, too (empty:
 * none). Where this run brings the gateway back, and the device cannot be asked, those that were kept.
 */
export function loginKeys(gateway: Gateway, device: Device, inventory: Inventory) {
  const standIn = (seen: Seen) => standIns(gateway, device, inventory, seen)
  const present: Late<string> = (seen) => known(publicKey(device.name, key), seen) ?? standIn(seen)?.[0]
  const coming: Late<string> = (seen) => {
    const kept = standIn(seen)
    return known(nextKeyOf(device, gatewaysOf(device, inventory)), seen) ?? (kept && (kept[1] ?? ''))
  }
  return { present, coming }
}

/** Not where the gateway itself has a key of the device: that is newer than what was kept, and may have replaced it. */
function standIns(gateway: Gateway, device: Device, { kept, restored }: Inventory, seen: Seen) {
  if (restored !== gateway.name || !seen.gone(device.name) || hasKeyOf(gateway, device, seen)) return undefined
  return kept?.tunnelKeys[nameOnGateways(device)]
}

/** The gateway has a key of this device. */
function hasKeyOf({ name }: Gateway, device: Device, seen: Seen): boolean {
  const texts = [seen.of(name, `files in ${keysFolder}`), seen.of(name, `file ${sharedKeys}`)]
  const ends = [` ${device.name}`, ` ${nameOnGateways(device)}`]
  return texts.some((text) =>
    text?.split('\n').some((line) => line.includes(' ssh-ed25519 ') && ends.some((end) => line.endsWith(end))),
  )
}

/** What has to be known when a gateway or a device cannot be asked any more. */
export function observedKeys({ gateways, devices }: Inventory): (seen: Seen) => ObservedKeys {
  const on = (gateway: Gateway) => devices.filter((device) => dials(device, gateway))
  return (seen) => {
    const here = (all: readonly Device[]) => all.filter(({ name }) => !seen.gone(name))
    return {
      devices: Object.fromEntries(gateways.map((gateway) => [gateway.name, on(gateway).map(nameOnGateways)])),
      tunnelKeys: Object.fromEntries(
        here(devices).flatMap((device) => {
          const keys = [key, nextKey].flatMap((path) => known(publicKey(device.name, path), seen) ?? [])
          return keys.length > 0 ? [[nameOnGateways(device), keys]] : []
        }),
      ),
      trusted: Object.fromEntries(
        gateways.map((gateway) => [
          gateway.name,
          Object.fromEntries(
            here(on(gateway)).map((device) => [
              nameOnGateways(device),
              pinnedKeys(knownHosts, { on: device.name, name: gateway.name }, seen),
            ]),
          ),
        ]),
      ),
    }
  }
}

/** Gateways that could not be brought back for all of their devices. */
export function pendingSpares({ gateways, devices, kept }: Inventory, seen: Seen): string[] {
  const strangers = gateways.flatMap((gateway) => {
    const newest = kept?.spareHostKeys[gateway.name]?.at(-1)
    if (!newest) return []
    const lacking = devices.filter((device) => {
      if (!dials(device, gateway)) return false
      if (seen.gone(device.name)) return !newest.trustedBy.includes(nameOnGateways(device))
      return !pinnedKeys(knownHosts, { on: device.name, name: gateway.name }, seen).includes(newest.key)
    })
    const names = lacking.map(({ name }) => name).join(', ')
    return lacking.length > 0 ? [`${gateway.name}: its spare host key is not trusted yet by ${names}`] : []
  })
  return [...(kept?.warnings ?? []), ...strangers]
}
