import type { Device, Gateway, HeldForward, Inventory, Mark, Resource, Seen } from '../../src/index.ts'
import {
  inspectHeldForwards,
  isForwardRoute,
  overlap,
  parseHeldForwards,
  parseMark,
  printListener,
  whoseKey,
} from '../../src/index.ts'
import { dials, forwardsOn, jailed, shared } from '../../src/tunnel/accounts.ts'
import {
  accountOf,
  accountPrefix,
  nameOnGateways,
  sharedKeys,
  tunnelUnitName,
  unitPrefix,
} from '../../src/tunnel/names.ts'

/**
 * A forward is opened beside the one that it replaces, the device moves to it under its own guard, a fresh login comes
 * through it, and only then the old one is closed. What this run may close, and what it must leave, is decided here.
 * Pure.
 */

/** A fact on a gateway: the forwards that it holds open, for whichever inventory. */
export const heldForwards: Resource = { id: 'held forwards', inspect: inspectHeldForwards, diff: () => 'converged' }

export const heldForwardsOn = (gateway: Gateway, seen: Seen): HeldForward[] =>
  parseHeldForwards(seen.of(gateway.name, heldForwards.id) ?? '')

/** The comment (GECOS) of an account there whose name begins like ours; undefined: there is no such account. */
export function commentOf(name: string, gateway: Gateway, seen: Seen): string | undefined {
  const accounts = (seen.of(gateway.name, `accounts ${accountPrefix(gateway)}*`) ?? '').split('\n')
  return accounts.find((row) => row.startsWith(`@account ${name}:`))?.split(':')[2]
}

export const isSameEndpoint = (
  one: Pick<HeldForward, 'bindAddress' | 'port'>,
  other: Pick<HeldForward, 'bindAddress' | 'port'>,
) => one.port === other.port && one.bindAddress === other.bindAddress

/** Both cannot be open at once. */
export const isInTheWay = (
  one: Pick<HeldForward, 'bindAddress' | 'port'>,
  other: Pick<HeldForward, 'bindAddress' | 'port'>,
) => one.port === other.port && overlap(one.bindAddress, other.bindAddress)

/** Reached in this run by another route than a forward: then its tunnel may be down for a moment. */
export const isReachedBeside = ({ name }: Device, seen: Seen): boolean => {
  const via = seen.via?.(name)
  return via !== undefined && !isForwardRoute(via) && !seen.gone(name)
}

/** What a gateway has for one device: a forward, an account with its key file, or a line in the shared key file. */
export interface Held {
  /** The name by which the gateway knows the device; absent where nothing tells it. */
  readonly device: string | undefined
  readonly mark?: Mark | undefined
}

/** Which of the things that a gateway holds, and that are not wanted there, a run closes. */
export interface Closing {
  /** Ports of tunnels that somebody set up by hand are taken over now, where the run was asked to. */
  readonly takesOver: boolean
  forward(forward: HeldForward, seen: Seen): boolean
  account(name: string, mark: Mark | undefined, seen: Seen): boolean
  keyLine(comment: string, seen: Seen): boolean
}

/** In the first step: what is closed at once to make room, for a device that is reached beside its forwards. */
export function roomOn(gateway: Gateway, inventory: Inventory): Closing {
  const devices = jailed(inventory.devices, gateway)
  const others = shared(inventory.devices, gateway)
  const isRemoved = isRemovedBy(inventory)
  return {
    takesOver: false,
    forward: (held, seen) =>
      isRemoved(held) ||
      [...devices, ...others].some(
        (device) =>
          isReachedBeside(device, seen) &&
          forwardsOn(gateway, device).some((wanted) => isInTheWay(wanted, held) && !isWanted(held, gateway, inventory)),
      ),
    account: (name, mark) => isRemoved({ device: deviceOf(name, mark, gateway, inventory), mark }),
    keyLine: (comment) => isRemoved(whoseKey({ comment })),
  }
}

/** In the last step: what devices have moved away from, and what a run that prunes removes. */
export function leftOn(gateway: Gateway, inventory: Inventory): Closing {
  const goes = ({ device: name, mark }: Held, wanted: (device: Device) => boolean, seen: Seen): boolean => {
    if (isRemovedBy(inventory)({ device: name })) return true
    const device = inventory.devices.find((each) => nameOnGateways(each) === name)
    if (device) return !wanted(device) && hasMoved(device, seen)
    return isPruned(mark, inventory)
  }
  return {
    takesOver: true,
    forward: (held, seen) => goes(held, () => isWanted(held, gateway, inventory), seen),
    account: (name, mark, seen) => {
      const held = { device: deviceOf(name, mark, gateway, inventory), mark }
      return goes(held, (device) => jailed([device], gateway).length > 0, seen)
    },
    keyLine: (comment, seen) => goes(whoseKey({ comment }), (device) => shared([device], gateway).length > 0, seen),
  }
}

const isRemovedBy =
  ({ leaving = [] }: Inventory) =>
  ({ device }: Held) =>
    leaving.some((each) => nameOnGateways(each) === device)

/** Whose account it is: by its mark, or where an earlier version made it, by its name. */
function deviceOf(name: string, mark: Mark | undefined, gateway: Gateway, { devices, leaving = [] }: Inventory) {
  if (mark?.device !== undefined) return mark.device
  const device = [...devices, ...leaving].find((each) => accountOf(gateway, each) === name)
  return device && nameOnGateways(device)
}

/** The device was reached, and where it has been proved in this run that it answers through what is wanted, it does. */
const hasMoved = ({ name }: Device, seen: Seen) => !seen.gone(name) && seen.answers?.(name) !== false

const isPruned = (mark: Mark | undefined, { id, prune }: Inventory) =>
  prune === true && id !== undefined && mark?.inventory === id

function isWanted(held: HeldForward, gateway: Gateway, { devices }: Inventory): boolean {
  return devices.some(
    (device) =>
      nameOnGateways(device) === held.device &&
      forwardsOn(gateway, device).some((wanted) => isSameEndpoint(wanted, held) && wanted.listener === held.listener),
  )
}

/**
 * Does any host still hold something for this device that the inventory does not want? It goes after the device's
 * proof.
 */
export function hasLeftovers(device: Device, inventory: Inventory, seen: Seen): boolean {
  if (seen.gone(device.name)) return false
  return (
    formerForwards(device, inventory, seen).length > 0 ||
    hasOldAccess(device, inventory, seen) ||
    hasOldUnit(device, inventory, seen)
  )
}

/** Why forwards that a device has moved away from are still open. */
export function pendingForwards(device: Device, inventory: Inventory, seen: Seen): string[] {
  const places = formerForwards(device, inventory, seen)
  if (places.length === 0 || seen.answers?.(device.name) !== false) return []
  return [
    `${device.name}: its former forward ${places.join(', ')} stays open until ${device.name} answers through the forwards of the inventory`,
  ]
}

function formerForwards(device: Device, inventory: Inventory, seen: Seen): string[] {
  const name = nameOnGateways(device)
  return inventory.gateways.flatMap((gateway) =>
    heldForwardsOn(gateway, seen)
      .filter((held) => held.device === name && !isWanted(held, gateway, inventory))
      .map((held) => `${printListener(held)} on ${gateway.name}`),
  )
}

/** An account, or a line in the shared key file, of the listener that it had before. */
function hasOldAccess(device: Device, { gateways }: Inventory, seen: Seen): boolean {
  return gateways.some((gateway) => {
    const lines = (seen.of(gateway.name, `file ${sharedKeys}`) ?? '').split('\n')
    const isOwn = (row: string) => row.endsWith(` ${nameOnGateways(device)}`)
    return (
      (jailed([device], gateway).length === 0 && commentOf(accountOf(gateway, device), gateway, seen) !== undefined) ||
      (shared([device], gateway).length === 0 && lines.some(isOwn))
    )
  })
}

/** A tunnel of ours to a gateway that it does not dial any more. */
function hasOldUnit(device: Device, { gateways }: Inventory, seen: Seen): boolean {
  const observed = seen.of(device.name, `systemd-units ${unitPrefix}*`) ?? ''
  const dialled = gateways.filter((gateway) => dials(device, gateway)).map(tunnelUnitName)
  const tunnels = [...observed.matchAll(/^@line (\S+?):Description=Reverse tunnel of /gm)].map(([, name = '']) => name)
  return tunnels.some((name) => !dialled.includes(name))
}

/** Who else is known on this gateway, for the end of the report. */
export function othersOn(gateway: Gateway, inventory: Inventory, seen: Seen): string[] {
  const { devices, leaving = [], id } = inventory
  const mine = [...devices, ...leaving].map(nameOnGateways)
  const others = heldForwardsOn(gateway, seen).filter(
    (held) => !mine.includes(held.device) && !isPruned(held.mark, inventory),
  )
  const names = [...new Set(others.map(({ device }) => device))]
  return names.map((name) => {
    const forwards = others.filter(({ device }) => device === name)
    const own = id !== undefined && forwards.every(({ mark }) => mark?.inventory === id)
    const places = forwards.map((held) => printListener(held)).join(', ')
    return `${name} (${places} on ${gateway.name})${own ? ', made by this inventory: --prune removes it' : ''}`
  })
}

/** Our own, by mark, or by the shape that an earlier version gave to units before it marked them. */
export const isOurUnit = (content: string): boolean =>
  parseMark(content) !== undefined ||
  (/^Description=(Reverse tunnel of \S+ to |Is reverse-tunnel-\S+ alive, |Until %i has its port, |\S+ of \S+(, to its tunnel)?$)/m.test(
    content,
  ) &&
    /^(FreeBind=yes|StartLimitIntervalSec=0)$/m.test(content))
