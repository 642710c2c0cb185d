import type { Device, Gateway, Inventory, Resource, Seen } from '../../src/index.ts'
import {
  absent,
  known,
  managedFiles,
  parseKeyLine,
  parseMark,
  printListener,
  printMark,
  systemAccounts,
  systemdUnits,
} from '../../src/index.ts'
import { accountOn, forwardsOn, jailed, mayListen, shared } from '../../src/tunnel/accounts.ts'
import { markFor } from '../../src/tunnel/marks.ts'
import { accountPrefix, gatewayFolder, keysFolder, nameOnGateways, unitPrefix } from '../../src/tunnel/names.ts'
import { sharedTiming } from '../../src/tunnel/timing.ts'
import { systemAccount } from '../accounts.ts'
import { tunnelKeyOptions } from './enrolment.ts'
import { againUnit, isUnitOf, jails, jailsStand, listenerUnits, makeJails } from './gateway-units.ts'
import { type Closing, heldForwardsOn, isOurUnit, isSameEndpoint } from './held-forwards.ts'
import { reloading } from './host-key-rotation.ts'
import { loginKeys } from './kept-keys.ts'
import { freedPorts } from './listener-change.ts'
import { adoptedPlaces } from './ports.ts'
import { noSessionOn } from './sessions.ts'
import { sharedKeyFile } from './shared-keys.ts'
import { jailedDropIn, needsItsAddress, sharedDropIn } from './sshd-settings.ts'

/** What a gateway has for the devices that dial it, whoever owns the ports. `closing`: what this step takes away. */
export function gatewaySide(gateway: Gateway, inventory: Inventory, closing: Closing): Resource[] {
  return [...ownAccounts(gateway, inventory, closing), ...sharedAccount(gateway, inventory, closing)]
}

/** Where systemd owns the ports: an account, a jail and a key file for each device. */
function ownAccounts(gateway: Gateway, inventory: Inventory, closing: Closing): Resource[] {
  const devices = jailed(inventory.devices, gateway)
  const wanted = devices.map((device) => ({ name: accountOn(gateway, device), mark: markFor(inventory, device) }))
  const names = wanted.map(({ name }) => name)
  return [
    systemAccounts(accountPrefix(gateway), wanted, {
      ...{ made: makeJails, ...(inventory.adopt && { adopts: inventory.adopt }) },
      goes: ({ name, mark }, seen) => closing.account(name, mark, seen),
    }),
    managedFiles(keysFolder, keyFiles(gateway, devices, inventory), {
      goes: ({ name, content }, seen) => closing.account(name, parseMark(content), seen),
    }),
    jails(gateway, names, closing),
    ...(names.length > 0 ? [jailsStand(names)] : []),
    reloading(gateway, inventory.devices, jailedDropIn(gateway, names, closing)),
    ...freedPorts(gateway, inventory),
    ...takenOver(gateway, inventory, closing),
    listeners(gateway, inventory, closing),
  ]
}

/** Where sshd owns the ports: one account, and a key line for each device that says which ports are its own. */
function sharedAccount(gateway: Gateway, inventory: Inventory, closing: Closing): Resource[] {
  const devices = shared(inventory.devices, gateway)
  const exposed = devices.some((device) => forwardsOn(gateway, device).some(needsItsAddress))
  const settings = { exposed, ...sharedTiming(gateway, devices) }
  const mine = (name: string) => inventory.devices.some((device) => nameOnGateways(device) === name)
  return [
    // Where nobody shares it, an outdated key may not stay.
    ...(devices.length > 0 ? [systemAccount(inventory, gateway.tunnelAccount, '/usr/sbin/nologin')] : []),
    sharedKeyFile(gateway, keyLines(gateway, devices, inventory, closing), closing),
    reloading(
      gateway,
      inventory.devices,
      sharedDropIn(gateway, { mine, ...(devices.length > 0 && { settings }) }, closing),
    ),
  ]
}

/** The present key of a device, and while it moves to another one that, too. */
function keysOf(gateway: Gateway, device: Device, inventory: Inventory, seen: Seen): readonly string[] | undefined {
  const { present, coming } = loginKeys(gateway, device, inventory)
  const [current, next] = [known(present, seen), known(coming, seen)]
  return current === undefined || next === undefined ? undefined : [current, ...(next ? [next] : [])]
}

/** Of devices with an account of their own. */
function keyFiles(gateway: Gateway, devices: readonly Device[], inventory: Inventory) {
  return devices.map((device) => ({
    name: accountOn(gateway, device),
    host: device.name,
    content: (seen: Seen) => {
      const mark = printMark(markFor(inventory, device))
      const options = tunnelKeyOptions(gateway, device)
      return keysOf(gateway, device, inventory, seen)
        ?.map((each) => `${options} ${each} ${mark}\n`)
        .join('')
    },
  }))
}

/**
 * Of devices that share an account: the same, with the ports that each may listen on, those that it has not left yet
 * among them.
 */
function keyLines(gateway: Gateway, devices: readonly Device[], inventory: Inventory, closing: Closing) {
  return devices.map((device) => ({
    host: device.name,
    device: nameOnGateways(device),
    keys: (seen: Seen) => keysOf(gateway, device, inventory, seen),
    line: (each: string, present: readonly string[], seen: Seen) => {
      const wanted = mayListen(gateway, device)
      const left = heldForwardsOn(gateway, seen).filter(
        (held) => held.listener === 'sshd' && held.device === nameOnGateways(device) && !closing.forward(held, seen),
      )
      const before = present.flatMap((row) => parseKeyLine(row)?.options.match(/permitlisten="[^"]+"/g) ?? [])
      const stays = before.filter((option) => left.some((held) => option === `permitlisten="${printListener(held)}"`))
      const options = ['restrict', 'port-forwarding', ...new Set([...wanted, ...stays])].join(',')
      return `${options} ${each} ${printMark(markFor(inventory, device))}`
    },
  }))
}

/**
 * systemd's units for the ports, but for those that a tunnel set up by hand still holds: that tunnel may be the only
 * route to its device.
 */
function listeners(gateway: Gateway, inventory: Inventory, closing: Closing): Resource {
  const wanted = jailed(inventory.devices, gateway).flatMap((device) =>
    forwardsOn(gateway, device).map((forward) => ({
      ...{ forward, account: accountOn(gateway, device), mark: markFor(inventory, device) },
    })),
  )
  const units = (some: typeof wanted) =>
    systemdUnits(unitPrefix, listenerUnits(some), {
      ...{ owns: isOurUnit, ...(inventory.adopt && { adopts: inventory.adopt }) },
      goes: ({ name }, seen) => {
        const held = heldForwardsOn(gateway, seen).filter(({ listener }) => listener === 'socket')
        if (name === againUnit) return held.every((each) => closing.forward(each, seen))
        return held.some((each) => isUnitOf(name, each) && closing.forward(each, seen))
      },
    })
  return {
    ...units(wanted),
    diff(now, seen) {
      const waits = closing.takesOver ? [] : adoptedPlaces(gateway, inventory, seen)
      return units(wanted.filter(({ forward }) => !waits.some((place) => isSameEndpoint(place, forward)))).diff(
        now,
        seen,
      )
    },
  }
}

/**
 * The tunnels set up by hand whose ports this run takes over on purpose, once the device has a tunnel of ours beside
 * them.
 */
function takenOver(gateway: Gateway, inventory: Inventory, closing: Closing): Resource[] {
  const { adopt = [] } = inventory
  if (adopt.length === 0 || !closing.takesOver) return []
  const places = jailed(inventory.devices, gateway).flatMap((device) => forwardsOn(gateway, device))
  const when = (seen: Seen) => adoptedPlaces(gateway, inventory, seen).filter(({ device }) => !seen.gone(device))
  return places.length > 0 ? [noSessionOn({ id: 'ports of tunnels set up by hand', places, when })] : []
}

/** Where nobody dials any more, and nobody else has anything there: no folder of ours. */
export function emptied(gateway: Gateway, inventory: Inventory, closing: Closing): Resource {
  const folder = absent(gatewayFolder)
  return {
    ...folder,
    diff(now, seen) {
      if (!inventory.leaving?.length && !inventory.prune) return 'converged'
      const keys = [...now.matchAll(new RegExp(`^f ${keysFolder}/(\\S+)$`, 'gm'))].map(([, name = '']) => name)
      const files = seen.of(gateway.name, `files in ${keysFolder}`) ?? ''
      const left = keys.some((name) => {
        const text = new RegExp(`^@line ${name}:(.*)$`, 'm').exec(files)?.[1] ?? ''
        return !closing.account(name, parseMark(text), seen)
      })
      const held = heldForwardsOn(gateway, seen).some((each) => !closing.forward(each, seen))
      return left || held ? 'converged' : folder.diff(now, seen)
    },
  }
}
