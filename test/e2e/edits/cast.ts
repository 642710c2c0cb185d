import type { InventoryFile } from '../../../src/inventory/file.ts'

export type Listener = 'socket' | 'sshd'

export const [gateway, south] = ['ssh-gw.guest.internal', 'south.guest.internal']
/** Of our inventory; `other` is the one of another inventory, `fresh` has met nobody yet. */
export const [device, neighbour, other, fresh] = [
  'host-a.lan.internal',
  'host-b.lan.internal',
  'host-c.lan.internal',
  'host-d.lan.internal',
]
/** Names that lead to the gateway and to the device as well. */
export const [gatewayAlias, deviceAlias] = ['gate.guest.internal', 'host-z.lan.internal']

/** What the lab is made of: every machine that any edit needs. */
export const everybody: InventoryFile = {
  login: { user: 'user001' },
  gateways: { [gateway]: { address: gatewayAlias }, [south]: {} },
  devices: { [device]: { address: deviceAlias }, [neighbour]: {}, [other]: {}, [fresh]: {} },
}

const login = { user: 'user001' }

/** The inventory that people edit. */
export const ours = (listener: Listener): InventoryFile => ({
  id: 'k7w2m9qd',
  login,
  gateways: { [gateway]: { listener } },
  devices: {
    [device]: { forwards: ['127.0.0.1:9022:localhost:22'] },
    [neighbour]: { forwards: ['127.0.0.1:9023:localhost:22', '127.0.0.1:9024:localhost:22'] },
  },
})

/** Somebody else's, with a device of its own on the same gateway. */
export const theirs = (listener: Listener): InventoryFile => ({
  id: 'x4p8t1nz',
  login,
  gateways: { [gateway]: { listener } },
  devices: { [other]: { forwards: ['127.0.0.1:9033:localhost:22'] } },
})
