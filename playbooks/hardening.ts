import { type Device, type Gateway, hostKeys, type Inventory, on, playbook, sshdSettings } from '../src/index.ts'
import { crowd, passwordsOff, penalties } from './hardening/logins.ts'
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
        ...(hasTunnel(host, inventory) ? penalties(host, dialling(host, inventory)) : []),
        ...crowd(dialling(host, inventory)),
        ...(host.profile === 'strict' ? strictSettings(host, inventory) : []),
        ...(host.passwordLogin ? [] : passwordsOff),
      ],
    }),
  ]),
])

const hasTunnel = ({ name }: Gateway | Device, { devices }: Inventory) =>
  devices.some((device) => device.forwards.some((forward) => name === device.name || name === forward.gateway))

const dialling = ({ name }: Gateway | Device, { devices }: Inventory) =>
  devices.filter((device) => device.forwards.some(({ gateway }) => gateway === name)).length
