import { type Device, type Gateway, hostKeys, on, playbook, sshdSettings } from '../src/index.ts'
import { dialledBy, dialling, passwordsOff } from './hardening/logins.ts'
import { strictSettings } from './hardening/strict.ts'

/**
 * What the inventory asks of every sshd, and what the tunnels need of it. Its file goes before all others: sshd takes
 * the first value that it reads.
 */
export default playbook((inventory) => [
  on([...inventory.gateways, ...inventory.devices], (host: Gateway | Device) => [
    ...(host.profile === 'strict' ? [hostKeys] : []),
    sshdSettings('00-provision', {
      user: 'root',
      settings: [
        ...(host.role === 'gateway' ? dialledBy(inventory.devices.filter(dials(host)).length) : dialling(host)),
        ...(host.profile === 'strict' ? strictSettings(host, inventory) : []),
        ...(host.passwordLogin ? [] : passwordsOff),
      ],
    }),
  ]),
])

const dials =
  ({ name }: Gateway) =>
  ({ forwards }: Device) =>
    forwards.some(({ gateway }) => gateway === name)
