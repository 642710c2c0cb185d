import type { Device, Gateway, Inventory, Seen } from '../src/index.ts'
import {
  absent,
  account,
  authorizedKeys,
  hostKeys,
  installedPackage,
  keyPair,
  known,
  knownHost,
  lookedAt,
  managedFile,
  managedFiles,
  nextHostKeys,
  on,
  playbook,
  prove,
  sh,
  sshdSettings,
  switchHostKeys,
  systemAccounts,
  systemdUnits,
  tell,
  verify,
  versions,
} from '../src/index.ts'
import accounts from './accounts.ts'
import hardening from './hardening.ts'
import checkText from './reverse-tunnel/check.sh'
import { enrolling, enrolmentDoor, enrolmentsOn, tunnelKeyOptions } from './reverse-tunnel/enrolment.ts'
import { jailedSettings, sharedSettings } from './reverse-tunnel/gateway.ts'
import {
  beginsRotation,
  mayRotate,
  pendingHostKeys,
  reloading,
  reloadingAll,
  trustedOf,
} from './reverse-tunnel/host-keys.ts'
import { loginKeys, observedKeys, pendingSpares } from './reverse-tunnel/kept-keys.ts'
import { moveToNextKey, nextKeyPair, pendingKeys, retiredKeys } from './reverse-tunnel/key-rotation.ts'
import { privilege } from './reverse-tunnel/least-privilege.ts'
import { endedSessions, forgotten, formerKey, gone, mayForget, nothingLeft } from './reverse-tunnel/leaving.ts'
import { jailFile, jailFolders, listenerUnits, makeJails } from './reverse-tunnel/listener.ts'
import {
  accountPrefix,
  checkProgram,
  dialler,
  gatewayFolder,
  key,
  keysFolder,
  knownHosts,
  sharedKeys,
  unitPrefix,
} from './reverse-tunnel/names.ts'
import { freedPorts, mayChangeListener, sparesUnreached } from './reverse-tunnel/switching.ts'
import { recoverable, recoveryOf, sharedTiming, timingOf } from './reverse-tunnel/timing.ts'
import { accountOn, carriersOf, dials, forwardsOn, jailed, keyOwner, shared } from './reverse-tunnel/tunnels.ts'
import { tunnelUnits } from './reverse-tunnel/unit.ts'

/** Every device keeps its own forwards open on the gateways, and can do nothing else there. */
export default playbook((inventory) => {
  const devices = inventory.devices.filter(({ forwards }) => forwards.length > 0)
  const { leaving = [] } = inventory
  const gateways = inventory.gateways.filter((gateway) =>
    [...devices, ...leaving].some((device) => dials(device, gateway)),
  )
  const leavingFrom = (gateway: Gateway) => leaving.filter((device) => dials(device, gateway))
  return [
    accounts(inventory),
    // Who leaves goes first, while it can be reached: its tunnel ends when the gateway has forgotten it.
    leaving.length === 0
      ? []
      : [
          on(gateways, (gateway) => leavingFrom(gateway).map(formerKey)),
          on(leaving, (device) => nothingLeft(gatewaysOf(device, inventory))),
        ],

    inventory.rotate?.devices ? on(gateways, (gateway) => rotating(gateway, inventory).map(formerKey)) : [],
    on(gateways, (gateway) => [
      hostKeys,
      nextHostKeys(beginsRotation(gateway, inventory)),
      lookedAt(switchHostKeys(mayRotate(gateway, devices))),
      retiredKeys(gateway, inventory),
    ]),

    // A device makes its own key, so no private key is ever in a script, a log or this process.
    on(devices, (device) => [
      versions,
      account(dialler, { system: true }),
      keyPair(key, { owner: keyOwner(device), comment: device.name }),
      nextKeyPair(device, gatewaysOf(device, inventory)),
      lookedAt(moveToNextKey(device, gatewaysOf(device, inventory))),
      // Before its gateway may prove a new host key.
      ...trusting(device, inventory),
      // Here, because a unit whose program is not there yet is refused.
      ...(device.supervisor === 'autossh' ? [installedPackage('autossh')] : []),
    ]),

    // After the keys of people, before anybody dials.
    reloadingAll(hardening(inventory), gateways, devices),

    // The gateway before the tunnels: sshd penalises the whole network of a device whose key it refuses.
    on(gateways, (gateway) => [
      versions,
      hostKeys,
      nextHostKeys(beginsRotation(gateway, inventory)),
      mayChangeListener(gateway, devices),
      ...enrolmentsIn(gateway, devices, inventory),
      ...ownAccounts(gateway, devices, inventory),
      ...sharedAccount(gateway, devices, inventory),
      retiredKeys(gateway, inventory),
      ...leavingFrom(gateway).flatMap((device) => [mayForget(device), ...endedSessions(device, gateway)]),
      ...(devices.some((device) => dials(device, gateway)) ? [] : [absent(gatewayFolder)]),
      switchHostKeys(mayRotate(gateway, devices)),
    ]),

    on(devices, (device) => [
      keyPair(key, { owner: keyOwner(device), comment: device.name }),
      nextKeyPair(device, gatewaysOf(device, inventory)),
      moveToNextKey(device, gatewaysOf(device, inventory)),
      ...gatewaysOf(device, inventory).map((gateway) => recoverable(device, gateway)),
      ...trusting(device, inventory),
      managedFile(checkProgram, {
        content: checkText,
        activate: sh`systemctl try-restart ${`${unitPrefix}*-check.service`}`,
      }),
      systemdUnits(
        unitPrefix,
        gatewaysOf(device, inventory).flatMap((gateway) =>
          tunnelUnits({
            device,
            gateway,
            forwards: forwardsOn(gateway, device),
            account: accountOn(gateway, device),
            timing: timingOf(device, gateway),
          }),
        ),
      ),
    ]),

    // Keys that were moved away from.
    on(gateways, (gateway) => [
      keyFiles(gateway, devices, inventory),
      keyLines(gateway, devices, inventory),
      retiredKeys(gateway, inventory),
    ]),

    verify(devices, (device) => device.forwards, {
      recovery: recoveryOf(inventory),
      carriers: carriersOf(inventory),
      privileges: (device) => gatewaysOf(device, inventory).map((gateway) => privilege(device, gateway, devices)),
    }),
    leaving.length === 0
      ? []
      : [
          prove(gateways, (gateway) => leavingFrom(gateway).flatMap((device) => forgotten(device, gateway))),
          prove(leaving, () => gone),
        ],
    tell((seen) => gateways.flatMap((gateway) => pendingHostKeys(gateway, devices, seen))),
    tell((seen) => [...pendingKeys(inventory, seen), ...pendingSpares(inventory, seen)], {
      keeps: observedKeys({ ...inventory, devices }),
    }),
  ]
})

/** No drop-in of that name. */
const nothing = { match: '', user: '', settings: [] }

const gatewaysOf = (device: Device, { gateways }: Inventory) => gateways.filter((gateway) => dials(device, gateway))

const trusting = (device: Device, inventory: Inventory) =>
  gatewaysOf(device, inventory).map((gateway) => knownHost(knownHosts, trustedOf(gateway, inventory)))

/** The devices on this gateway whose keys this run is asked to renew. */
const rotating = (gateway: Gateway, { devices, rotate }: Inventory) =>
  devices.filter((device) => dials(device, gateway) && rotate?.devices?.includes(device.name))

/** Devices that come back with a fresh card. */
function enrolmentsIn(gateway: Gateway, devices: readonly Device[], inventory: Inventory) {
  const enrolments = enrolmentsOn(gateway, inventory)
  if (!enrolling(gateway, inventory)) return [enrolments]
  const { ahead, settings } = enrolmentDoor(gateway)
  return [...ahead, reloading(gateway, devices, settings), enrolments]
}

/** Where systemd owns the ports: an account, a jail and a key file for each device. */
function ownAccounts(gateway: Gateway, all: readonly Device[], inventory: Inventory) {
  const devices = jailed(all, gateway)
  const names = devices.map((device) => accountOn(gateway, device))
  const forwards = devices.flatMap((device) =>
    forwardsOn(gateway, device).map((forward) => ({ forward, account: accountOn(gateway, device) })),
  )
  return [
    systemAccounts(accountPrefix(gateway), names, { made: makeJails }),
    keyFiles(gateway, all, inventory),
    names.length > 0
      ? managedFile(jailFile, { content: jailFolders(names), activate: makeJails })
      : absent(jailFile, { activate: sh`rm -rf /run/reverse-tunnel`, undo: makeJails }),
    reloading(gateway, all, sshdSettings('00-reverse-tunnel', names.length > 0 ? jailedSettings(names) : nothing)),
    ...freedPorts(gateway, all),
    systemdUnits(unitPrefix, listenerUnits(forwards), { spares: sparesUnreached(all) }),
  ]
}

/** Where sshd owns the ports: one account, and a key line for each device that says which ports are its own. */
function sharedAccount(gateway: Gateway, all: readonly Device[], inventory: Inventory) {
  const devices = shared(all, gateway)
  const exposed = devices.some((device) => forwardsOn(gateway, device).some(({ expose }) => expose))
  const settings = sharedSettings(gateway, { exposed, ...sharedTiming(gateway, devices) })
  return [
    // Where nobody shares it, a key of former times may not stay.
    ...(devices.length > 0 ? [account(gateway.tunnelAccount, { system: true, shell: '/usr/sbin/nologin' })] : []),
    keyLines(gateway, all, inventory),
    reloading(gateway, all, sshdSettings('00-reverse-tunnel-shared', devices.length > 0 ? settings : nothing)),
  ]
}

/** Of devices with an account of their own: the key, and while it moves to another one that, too. */
function keyFiles(gateway: Gateway, all: readonly Device[], inventory: Inventory) {
  const files = jailed(all, gateway).map((device) => ({
    name: accountOn(gateway, device),
    host: device.name,
    content: (seen: Seen) => {
      const { present, coming } = loginKeys(gateway, device, inventory)
      const [line, next] = [known(present, seen), known(coming, seen)]
      const keys = line === undefined || next === undefined ? [] : [line, ...(next ? [next] : [])]
      return keys.map((each) => `${tunnelKeyOptions(gateway, device)} ${each} ${device.name}\n`).join('') || undefined
    },
  }))
  return managedFiles(keysFolder, files)
}

/** Of devices that share an account: the same, with the ports that each may listen on. */
function keyLines(gateway: Gateway, all: readonly Device[], inventory: Inventory) {
  const keys = shared(all, gateway).flatMap((device) => {
    const line = {
      host: device.name,
      comment: device.name,
      options: tunnelKeyOptions(gateway, device),
    }
    const { present, coming } = loginKeys(gateway, device, inventory)
    return [present, coming].map((each) => ({ ...line, key: each }))
  })
  return authorizedKeys(gateway.tunnelAccount, { file: sharedKeys, exclusive: true, keys })
}
