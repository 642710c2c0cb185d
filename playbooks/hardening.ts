import {
  type Device,
  type Gateway,
  hostKeys,
  type Inventory,
  on,
  playbook,
  type Resource,
  sshdSettings,
} from '../src/index.ts'
import { markFor } from '../src/tunnel/marks.ts'
import { dialledBy, dialling, passwordsOff } from './hardening/logins.ts'
import { strictSettings } from './hardening/strict.ts'
import { reloading } from './reverse-tunnel/host-key-rotation.ts'

/** What the inventory asks of every sshd, and what the tunnels need of it. */
export default playbook((inventory) => [
  on([...inventory.gateways, ...inventory.devices], (host: Gateway | Device) => hardeningOf(host, inventory)),
])

/** Of one host. Its file goes before all others: sshd takes the first value that it reads. */
export function hardeningOf(host: Gateway | Device, inventory: Inventory): Resource[] {
  return [
    ...(host.profile === 'strict' ? [hostKeys] : []),
    keepingHostKeys(
      host,
      sshdSettings('00-provision', {
        user: 'root',
        mark: markFor(inventory),
        shared: host.role === 'gateway',
        settings: [
          ...(host.role === 'gateway' ? dialledBy(inventory.devices.filter(dials(host)).length) : dialling(host)),
          ...(host.profile === 'strict' ? strictSettings(host, inventory) : []),
          ...(host.passwordLogin ? [] : passwordsOff),
        ],
      }),
    ),
  ]
}

/** For a gateway the caller does the same, since it knows the devices that check its keys. */
const keepingHostKeys = (host: Gateway | Device, settings: Resource) =>
  host.role === 'device' ? reloading(host, [], settings) : settings

const dials =
  ({ name }: Gateway) =>
  ({ forwards }: Device) =>
    forwards.some(({ gateway }) => gateway === name)
