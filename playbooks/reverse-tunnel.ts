import type { Device, Gateway, Inventory, Seen } from '../src/index.ts'
import {
  account,
  authorizedKeys,
  hostKeys,
  hostKeysOf,
  installedPackage,
  keyPair,
  known,
  knownHost,
  managedFile,
  managedFiles,
  on,
  playbook,
  publicKey,
  sh,
  sshdSettings,
  systemAccounts,
  systemdUnits,
  verify,
  versions,
} from '../src/index.ts'
import accounts from './accounts.ts'
import hardening from './hardening.ts'
import checkText from './reverse-tunnel/check.sh'
import { jailedSettings, sharedSettings } from './reverse-tunnel/gateway.ts'
import { jailFolders, listenerUnits } from './reverse-tunnel/listener.ts'
import {
  accountPrefix,
  checkProgram,
  dialler,
  key,
  keysFolder,
  knownHosts,
  sharedKeys,
  unitPrefix,
} from './reverse-tunnel/names.ts'
import { recoverable, recoveryOf, sharedTiming, timingOf } from './reverse-tunnel/timing.ts'
import { accountOn, dials, forwardsOn, jailed, keyOwner, mayListen, shared } from './reverse-tunnel/tunnels.ts'
import { tunnelUnits } from './reverse-tunnel/unit.ts'

/** Every device keeps its own forwards open on the gateways, and can do nothing else there. */
export default playbook((inventory) => {
  const devices = inventory.devices.filter(({ forwards }) => forwards.length > 0)
  const gateways = inventory.gateways.filter((gateway) => devices.some((device) => dials(device, gateway)))
  return [
    accounts(inventory),
    // After the keys of people, before anybody dials.
    hardening(inventory),

    // A device makes its own key, so no private key is ever in a script, a log or this process.
    on(devices, (device) => [
      versions,
      account(dialler, { system: true }),
      keyPair(key, { owner: keyOwner(device), comment: device.name }),
      // Here, because a unit whose program is not there yet is refused.
      ...(device.supervisor === 'autossh' ? [installedPackage('autossh')] : []),
    ]),

    // The gateway before the tunnels: sshd penalises the whole network of a device whose key it refuses.
    on(gateways, (gateway) => [
      versions,
      hostKeys,
      ...ownAccounts(gateway, jailed(devices, gateway)),
      ...sharedAccount(gateway, shared(devices, gateway)),
    ]),

    on(devices, (device) => [
      ...gatewaysOf(device, inventory).flatMap((gateway) => [
        recoverable(device, gateway),
        knownHost(knownHosts, { name: gateway.name, keys: hostKeysOf(gateway.name) }),
      ]),
      managedFile(checkProgram, { content: checkText }),
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

    verify(devices, (device) => device.forwards, recoveryOf(inventory)),
  ]
})

/** No drop-in of that name. */
const nothing = { match: '', user: '', settings: [] }

const gatewaysOf = (device: Device, { gateways }: Inventory) => gateways.filter((gateway) => dials(device, gateway))

/** Where systemd owns the ports: an account, a jail and a key file for each device. */
function ownAccounts(gateway: Gateway, devices: readonly Device[]) {
  const names = devices.map((device) => accountOn(gateway, device))
  const forwards = devices.flatMap((device) =>
    forwardsOn(gateway, device).map((forward) => ({ forward, account: accountOn(gateway, device) })),
  )
  return [
    systemAccounts(accountPrefix(gateway), names),
    managedFiles(
      keysFolder,
      devices.map((device) => ({
        name: accountOn(gateway, device),
        host: device.name,
        content: (seen: Seen) => {
          const line = known(publicKey(device.name, key), seen)
          return line && `restrict,port-forwarding ${line} ${device.name}\n`
        },
      })),
    ),
    managedFile('/etc/tmpfiles.d/reverse-tunnel.conf', {
      content: jailFolders(names),
      activate: sh`systemd-tmpfiles --create /etc/tmpfiles.d/reverse-tunnel.conf`,
    }),
    sshdSettings('00-reverse-tunnel', names.length > 0 ? jailedSettings(names) : nothing),
    systemdUnits(unitPrefix, listenerUnits(forwards)),
  ]
}

/** Where sshd owns the ports: one account, and a key line for each device that says which ports are its own. */
function sharedAccount(gateway: Gateway, devices: readonly Device[]) {
  const keys = devices.map((device) => ({
    host: device.name,
    key: publicKey(device.name, key),
    comment: device.name,
    options: ['restrict', 'port-forwarding', ...mayListen(gateway, device)].join(','),
  }))
  const exposed = devices.some((device) => forwardsOn(gateway, device).some(({ expose }) => expose))
  const settings = sharedSettings(gateway, { exposed, ...sharedTiming(gateway, devices) })
  return [
    // Where nobody shares it, a key of former times may not stay.
    ...(devices.length > 0 ? [account(gateway.tunnelAccount, { system: true, shell: '/usr/sbin/nologin' })] : []),
    authorizedKeys(gateway.tunnelAccount, { file: sharedKeys, exclusive: true, keys }),
    sshdSettings('00-reverse-tunnel-shared', devices.length > 0 ? settings : nothing),
  ]
}
