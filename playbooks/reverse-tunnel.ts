import type { Device, Forward, Gateway, Inventory } from '../src/index.ts'
import {
  account,
  authorizedKeys,
  hostKeys,
  hostKeysOf,
  installedPackage,
  keyPair,
  knownHost,
  on,
  playbook,
  printListener,
  publicKey,
  sshdSettings,
  systemdUnit,
  verify,
} from '../src/index.ts'
import accounts from './accounts.ts'
import hardening from './hardening.ts'
import { knownHosts } from './reverse-tunnel/files.ts'
import { tunnelSettings } from './reverse-tunnel/gateway.ts'
import { tunnelUnit } from './reverse-tunnel/unit.ts'

const key = '/etc/reverse-tunnel/id_ed25519'
const dialler = 'reverse-tunnel'

/** Every device keeps its own forwards open on the gateways, and can do nothing else there. */
export default playbook((inventory) => {
  const devices = inventory.devices.filter(({ forwards }) => forwards.length > 0)
  const gateways = inventory.gateways.filter((gateway) =>
    devices.some((device) => forwardsOn(gateway, device).length > 0),
  )
  return [
    accounts(inventory),
    // After the keys of people, before anybody dials.
    hardening(inventory),

    // A device makes its own key, so no private key is ever in a script, a log or this process.
    on(devices, (device) => [
      account(dialler, { system: true }),
      keyPair(key, { owner: dialler, comment: device.name }),
      // Here, because a unit whose program is not there yet is refused.
      ...(device.supervisor === 'autossh' ? [installedPackage('autossh')] : []),
    ]),

    // The gateway before the tunnels: sshd penalises the whole network of a device whose key it refuses.
    on(gateways, (gateway) => [
      hostKeys,
      account(gateway.tunnelAccount, { system: true, shell: '/usr/sbin/nologin' }),
      authorizedKeys(gateway.tunnelAccount, {
        file: '/etc/ssh/reverse-tunnel/authorized_keys',
        exclusive: true,
        keys: devices
          .filter((device) => forwardsOn(gateway, device).length > 0)
          .map((device) => keyOf(device, gateway)),
      }),
      sshdSettings('00-reverse-tunnel', tunnelSettings(gateway, exposed(gateway, inventory))),
    ]),

    on(devices, (device) => [
      ...gatewaysOf(device, inventory).flatMap((gateway) => [
        knownHost(knownHosts, { name: gateway.name, keys: hostKeysOf(gateway.name) }),
        systemdUnit(`reverse-tunnel-${gateway.name}.service`, {
          content: tunnelUnit({ device, gateway, forwards: forwardsOn(gateway, device), dialler, key, knownHosts }),
        }),
      ]),
    ]),

    verify(devices, (device) => device.forwards),
  ]
})

const forwardsOn = (gateway: Gateway, device: Device): readonly Forward[] =>
  device.forwards.filter((forward) => forward.gateway === gateway.name)

const gatewaysOf = (device: Device, { gateways }: Inventory) =>
  gateways.filter((gateway) => forwardsOn(gateway, device).length > 0)

const exposed = (gateway: Gateway, { devices }: Inventory) =>
  devices.some((device) => forwardsOn(gateway, device).some(({ expose }) => expose))

/** One key per device, which may listen on that device's own ports and nothing else. */
const keyOf = (device: Device, gateway: Gateway) => ({
  host: device.name,
  key: publicKey(device.name, key),
  comment: device.name,
  options: [
    'restrict',
    'port-forwarding',
    ...forwardsOn(gateway, device).map((forward) => `permitlisten="${printListener(forward)}"`),
  ].join(','),
})
