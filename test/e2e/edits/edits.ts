import type { InventoryFile } from '../../../src/inventory/file.ts'
import type { Bench } from './bench.ts'
import { device, deviceAlias, fresh, gateway, gatewayAlias, neighbour, other, south } from './cast.ts'
import { annaLogsIn, annasKey, loginKey } from './people.ts'
import { taken } from './strangers.ts'

type Change = (inventory: InventoryFile, bench: Bench) => InventoryFile

/** What people do to an inventory, and how it is told from outside that it was done right. */
export interface Edit {
  readonly name: string
  /** In whose inventory. */
  readonly in?: 'theirs'
  /** So that there is something to edit: done and run from the LAN first. */
  readonly before?: Change
  readonly change?: Change
  /** Typed instead of an edit by hand; the words after `provision`. */
  readonly command?: (file: string) => readonly string[]
  /** Machines that the others do not need. */
  readonly more?: readonly string[]
  /** Somebody stands in the way: what the run has to say, and what people edit then. */
  readonly blocked?: { readonly says: readonly RegExp[]; readonly instead: Change }
  /** The edit is about a machine that only the LAN knows until it has been run there. */
  readonly onlyFromLan?: true
  /** What a run has to mention. */
  readonly says?: readonly RegExp[]
  /** Who stays reachable although the inventory does not name him any more. */
  readonly stays?: readonly string[]
  /** A machine that dies before: what lies on it is nobody's to compare. */
  readonly flashed?: string
  /** Problems, beyond those that every edit may have. */
  readonly also?: (bench: Bench) => Promise<string[]>
}

type Devices = NonNullable<InventoryFile['devices']>
type DeviceFile = Devices[string]

const withDevice = (name: string, value: DeviceFile) => (inventory: InventoryFile) => ({
  ...inventory,
  devices: { ...inventory.devices, [name]: { ...inventory.devices?.[name], ...value } },
})
const withGateway = (name: string, value: NonNullable<InventoryFile['gateways']>[string]) => {
  return (inventory: InventoryFile) => ({
    ...inventory,
    gateways: { ...inventory.gateways, [name]: { ...inventory.gateways?.[name], ...value } },
  })
}
const without = (name: string) => (inventory: InventoryFile) => {
  const { [name]: _, ...devices } = inventory.devices ?? {}
  return { ...inventory, devices }
}
const forwards = (...all: string[]) => withDevice(device, { forwards: all })
/** With more than one gateway every forward has to say which. */
const on = (name: string, port: number) => ({ gateway: name, port, host: 'localhost', hostPort: 22 })
const [first, free] = ['127.0.0.1:9022:localhost:22', '127.0.0.1:9122:localhost:22']

/** The neighbour's forwards, once there are two gateways. */
const named = withDevice(neighbour, { forwards: [on(gateway, 9023), on(gateway, 9024)] })
const twoGateways = (own: DeviceFile['forwards']) => (inventory: InventoryFile) =>
  withGateway(south, { listener: inventory.gateways?.[gateway]?.listener ?? 'socket' })(
    named(withDevice(device, { forwards: own ?? [] })(inventory)),
  )
const renamed = (from: string, to: string) => (inventory: InventoryFile) => ({
  ...inventory,
  devices: Object.fromEntries(
    Object.entries(inventory.devices ?? {}).map(([name, value]) => [name === from ? to : name, value]),
  ),
})

const onPort = (wish: string, says: readonly RegExp[]) => ({
  change: forwards(first, `${wish}:localhost:22`),
  blocked: { says, instead: forwards(first, free) },
})

export const edits: readonly Edit[] = [
  { name: 'another port', change: forwards(free) },
  { name: 'another bind address', change: forwards('127.0.0.3:9022:localhost:22') },
  {
    name: 'another listener',
    change: (inventory, { listener }) =>
      withGateway(gateway, { listener: listener === 'socket' ? 'sshd' : 'socket' })(inventory),
  },
  { name: 'a second forward', change: forwards(first, free) },
  {
    name: 'a forward removed',
    change: withDevice(neighbour, { forwards: ['127.0.0.1:9024:localhost:22'] }),
  },
  {
    name: 'a device added',
    change: withDevice(fresh, { forwards: ['127.0.0.1:9025:localhost:22'] }),
    more: [fresh],
    onlyFromLan: true,
  },
  {
    name: 'a device removed by hand',
    change: without(neighbour),
    says: [/not in this inventory/i, new RegExp(neighbour), /127\.0\.0\.1:9023/],
    stays: [neighbour],
  },
  { name: 'a device renamed by hand', change: renamed(device, deviceAlias) },
  { name: 'a device renamed by command', command: (file) => ['rename', file, device, deviceAlias] },
  { name: 'moved to another gateway', change: twoGateways([on(south, 9022)]), more: [south] },
  { name: 'a second gateway', change: twoGateways([on(gateway, 9022), on(south, 9022)]), more: [south] },
  { name: 'another address of the gateway', change: withGateway(gateway, { address: gatewayAlias }) },
  { name: "another port of the gateway's sshd", change: withGateway(gateway, { port: taken.sshd }) },
  {
    name: 'a gateway reinstalled',
    flashed: gateway,
    // Its new host key was compared by hand.
    command: (file) => ['restore-gateway', file, gateway, '--yes', '--accept-new-host-key', gateway],
  },
  { name: 'another login user', change: (inventory) => ({ ...inventory, login: { user: 'admin2' } }) },
  {
    name: 'another login key',
    change: (inventory, bench) => ({ ...inventory, login: { ...inventory.login, identityFile: loginKey(bench) } }),
  },
  {
    name: 'a key of a person added',
    change: (inventory, bench) =>
      withDevice(device, { accounts: { anna: { authorizedKeys: [annasKey(bench)] } } })(inventory),
    also: (bench) => annaLogsIn(bench, true),
  },
  {
    name: 'a key of a person removed',
    before: (inventory, bench) =>
      withDevice(device, { accounts: { anna: { authorizedKeys: [annasKey(bench)] } } })(inventory),
    change: forwardsOnly,
    also: (bench) => annaLogsIn(bench, false),
  },
  { name: 'profile strict', change: (inventory) => ({ ...inventory, profile: 'strict' }) },
  { name: 'via', change: withDevice(device, { via: ['forward'] }) },
  {
    name: 'a group',
    change: (inventory) => ({
      ...inventory,
      groups: { site: { devices: [device, neighbour], settings: { recoverWithin: 30 } } },
    }),
  },
  {
    name: 'the other inventory of the gateway',
    in: 'theirs',
    change: withDevice(other, { forwards: ['127.0.0.1:9133:localhost:22'] }),
  },
  {
    name: "a stranger's port",
    ...onPort(`127.0.0.1:${taken.web}`, [/perl/, /reverse-tunnel-x/, /pid \d+|\bprocess \d+/, /since/]),
  },
  {
    name: "the port of somebody's ssh -R",
    ...onPort(taken.bob, [/sshd/, /\bbob\b/, /pid \d+|\bprocess \d+/, /since/]),
  },
  { name: "the port of another inventory's device", ...onPort('127.0.0.1:9033', [new RegExp(other)]) },
  { name: "sshd's own port", ...onPort('127.0.0.1:22', [/sshd/]) },
  { name: "sshd's second port", ...onPort(`127.0.0.1:${taken.sshd}`, [/sshd/]) },
  { name: 'supervisor autossh', change: withDevice(device, { supervisor: 'autossh' }) },
  { name: 'recoverWithin', change: withDevice(device, { recoverWithin: 30 }) },
]

function forwardsOnly(inventory: InventoryFile): InventoryFile {
  const { accounts: _, ...value } = inventory.devices?.[device] ?? {}
  return { ...inventory, devices: { ...inventory.devices, [device]: value } }
}
