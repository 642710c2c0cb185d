import type { Device, Gateway, Inventory, UnitOptions } from '../src/index.ts'
import {
  hostKeys,
  installedPackage,
  keyPair,
  lookedAt,
  managedFile,
  marked,
  nextHostKeys,
  on,
  onTrial,
  playbook,
  printMark,
  programs,
  prove,
  proveFirst,
  sh,
  switchHostKeys,
  systemdUnits,
  tell,
  tellOthers,
  unitsRead,
  verify,
  versions,
} from '../src/index.ts'
import { accountOn, carriersOf, dials, forwardsOn, gatewaysOf, keyOwner } from '../src/tunnel/accounts.ts'
import { tunnelUnits } from '../src/tunnel/device-units.ts'
import { markFor } from '../src/tunnel/marks.ts'
import { checkProgram, dialler, key, unitPrefix } from '../src/tunnel/names.ts'
import { recoverable, recoveryOf, timingOf } from '../src/tunnel/timing.ts'
import checkText from '../src/tunnel/watchdog.sh'
import { accountsOf, systemAccount } from './accounts.ts'
import { hardeningOf } from './hardening.ts'
import { enrolling, enrolmentAccess, enrolmentsOn } from './reverse-tunnel/enrolment.ts'
import { emptied, gatewaySide } from './reverse-tunnel/gateway-side.ts'
import {
  hasLeftovers,
  heldForwards,
  isOurUnit,
  leftOn,
  othersOn,
  pendingForwards,
  roomOn,
} from './reverse-tunnel/held-forwards.ts'
import { beginsRotation, mayRotate, pendingHostKeys, reloading, trusting } from './reverse-tunnel/host-key-rotation.ts'
import { observedKeys, pendingSpares } from './reverse-tunnel/kept-keys.ts'
import { moveToNextKey, nextKeyPair, pendingKeys, retiredKeys } from './reverse-tunnel/key-rotation.ts'
import { privilege } from './reverse-tunnel/least-privilege.ts'
import { lookAccess } from './reverse-tunnel/look-access.ts'
import { portsAreFree } from './reverse-tunnel/ports.ts'
import {
  deviceRemovedProofs,
  endedSessions,
  formerKey,
  gatewayRemovedProofs,
  mayRemove,
  removedFromDevice,
} from './reverse-tunnel/removal.ts'
import { tunnelTrial } from './reverse-tunnel/trial.ts'

/** Every device keeps its own forwards open on the gateways, and can do nothing else there. */
export default playbook((inventory) => {
  const devices = inventory.devices.filter(({ forwards }) => forwards.length > 0)
  const { leaving = [], gateways } = inventory
  const removedFrom = (gateway: Gateway) => leaving.filter((device) => dials(device, gateway))
  return [
    // A device that is removed goes first, while it can be reached: its tunnel ends when the gateway has removed it.
    leaving.length === 0
      ? []
      : [
          on(gateways, (gateway) => removedFrom(gateway).map(formerKey)),
          on(leaving, (device) => removedFromDevice(gatewaysOf(device, inventory))),
        ],

    inventory.rotate?.devices ? on(gateways, (gateway) => rotating(gateway, inventory).map(formerKey)) : [],
    on(gateways, (gateway) => [
      hostKeys,
      nextHostKeys(beginsRotation(gateway, inventory)),
      lookedAt(switchHostKeys(mayRotate(gateway, devices))),
      retiredKeys(gateway, inventory),
    ]),

    // All that a device needs before it dials. It makes its own key, so no private key is ever in a script, a log or
    // this process.
    on(inventory.devices, (device) => [
      ...accountsOf(device, inventory),
      ...hardeningOf(device, inventory),
      ...(devices.includes(device) ? readyToDial(device, inventory) : []),
    ]),

    // The gateway before the tunnels: sshd penalises the whole network of a device whose key it refuses.
    // New forwards are opened beside the old ones.
    onTrial(
      gateways,
      (gateway) => [
        ...accountsOf(gateway, inventory),
        ...hardeningOf(gateway, inventory).map((each) => reloading(gateway, devices, each)),
        versions,
        hostKeys,
        nextHostKeys(beginsRotation(gateway, inventory)),
        heldForwards,
        portsAreFree(gateway, inventory),
        ...enrolmentsIn(gateway, devices, inventory),
        ...gatewaySide(gateway, inventory, roomOn(gateway, inventory)),
        ...lookAccess(gateway, inventory),
        unitsRead(unitPrefix),
        retiredKeys(gateway, inventory),
        ...removedFrom(gateway).flatMap((device) => [mayRemove(device), ...endedSessions(device, gateway)]),
        ...(devices.some((device) => dials(device, gateway))
          ? []
          : [emptied(gateway, inventory, roomOn(gateway, inventory))]),
        switchHostKeys(mayRotate(gateway, devices)),
      ],
      (gateway) => tunnelTrial(gateway, { ...inventory, devices }),
    ),

    // Each device moves to its new forwards, and stays at the old ones where no login comes through.
    on(devices, (device) => [
      keyPair(key, { owner: keyOwner(device), comment: printMark(markFor(inventory, device)) }),
      nextKeyPair(device, gatewaysOf(device, inventory)),
      moveToNextKey(device, gatewaysOf(device, inventory)),
      ...trusting(device, inventory),
      managedFile(checkProgram, {
        content: marked(markFor(inventory), checkText),
        activate: sh`systemctl try-restart ${`${unitPrefix}*-check.service`}`,
      }),
      unitsOn(device, inventory, { goes: () => false }),
      unitsRead(unitPrefix),
    ]),

    // Only what answers through its new forwards loses the old ones.
    proveFirst((seen) =>
      devices.filter((device) => hasLeftovers(device, inventory, seen)).flatMap(({ forwards }) => forwards),
    ),
    on(devices, (device) => [unitsOn(device, inventory, { goes: (_, seen) => seen.answers?.(device.name) !== false })]),
    on(gateways, (gateway) => [
      heldForwards,
      ...gatewaySide(gateway, inventory, leftOn(gateway, inventory)),
      // Keys that were moved away from.
      retiredKeys(gateway, inventory),
    ]),

    on(devices, (device) => gatewaysOf(device, inventory).map((gateway) => recoverable(device, gateway))),

    verify(devices, (device) => device.forwards, {
      recovery: recoveryOf(inventory),
      carriers: carriersOf(inventory),
      privileges: (device) => gatewaysOf(device, inventory).map((gateway) => privilege(device, gateway, devices)),
    }),
    leaving.length === 0
      ? []
      : [
          prove(gateways, (gateway) => removedFrom(gateway).flatMap((device) => gatewayRemovedProofs(device, gateway))),
          prove(leaving, (device) => deviceRemovedProofs(gatewaysOf(device, inventory))),
        ],
    tell((seen) => gateways.flatMap((gateway) => pendingHostKeys(gateway, devices, seen))),
    tell((seen) => [...pendingKeys(inventory, seen), ...pendingSpares(inventory, seen)], {
      keeps: observedKeys({ ...inventory, devices }),
    }),
    tell((seen) => devices.flatMap((device) => pendingForwards(device, inventory, seen))),
    tellOthers((seen) => gateways.flatMap((gateway) => othersOn(gateway, inventory, seen))),
  ]
})

/** Who dials, with which key, and whom it trusts: before its gateways let it in. */
const readyToDial = (device: Device, inventory: Inventory) => [
  versions,
  sshClient,
  systemAccount(inventory, dialler),
  keyPair(key, { owner: keyOwner(device), comment: printMark(markFor(inventory, device)) }),
  nextKeyPair(device, gatewaysOf(device, inventory)),
  lookedAt(moveToNextKey(device, gatewaysOf(device, inventory))),
  // Before its gateway may prove a new host key.
  ...trusting(device, inventory),
  // Here, because a unit whose program is not there yet is refused.
  ...(device.supervisor === 'autossh' ? [installedPackage('autossh')] : []),
]

/** What dials, and what makes its key. */
const sshClient = programs(
  ['/usr/bin/ssh', 'ssh-keygen'],
  'install the OpenSSH client there: apt-get install openssh-client (openssh-clients where the packages are RPMs)',
)

/** The devices on this gateway whose keys this run is asked to renew. */
const rotating = (gateway: Gateway, { devices, rotate }: Inventory) =>
  devices.filter((device) => dials(device, gateway) && rotate?.devices?.includes(device.name))

/** Devices that come back with a fresh card. */
function enrolmentsIn(gateway: Gateway, devices: readonly Device[], inventory: Inventory) {
  const enrolments = enrolmentsOn(gateway, inventory)
  if (!enrolling(gateway, inventory)) return [enrolments]
  const { ahead, settings } = enrolmentAccess(gateway, inventory)
  return [...ahead, reloading(gateway, devices, settings), enrolments]
}

/** The tunnels of a device, one unit for each gateway. */
function unitsOn(device: Device, inventory: Inventory, { goes }: Required<Pick<UnitOptions, 'goes'>>) {
  const units = gatewaysOf(device, inventory).flatMap((gateway) =>
    tunnelUnits({
      device,
      gateway,
      forwards: forwardsOn(gateway, device),
      account: accountOn(gateway, device),
      timing: timingOf(device, gateway),
      mark: markFor(inventory, device),
    }),
  )
  return systemdUnits(unitPrefix, units, { goes, owns: isOurUnit, ...(inventory.adopt && { adopts: inventory.adopt }) })
}
