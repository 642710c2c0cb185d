import { InventoryError } from '../errors.ts'
import { loginForwards, reachedOn } from '../inventory/forward.ts'
import { type Device, type Forward, type Gateway, hosts, type Inventory } from '../inventory/model.ts'
import { quote, type Sh, sh } from '../shell/sh.ts'

/** What Ansible is told of one host. */
export type HostVariables = Readonly<Record<string, string | number>>

export interface AnsibleInventory {
  readonly hosts: Readonly<Record<string, HostVariables>>
  /** Names of groups → names of hosts. */
  readonly groups: Readonly<Record<string, readonly string[]>>
}

/**
 * The same hosts for Ansible: devices through their forwards, every host key pinned. No host has an `ansible_host`:
 * Ansible names its shared connections by address, port and user, and behind two gateways two devices may both be
 * 127.0.0.1:9022. `knownHosts`: the file of the pins, as Ansible finds it; may hold `{{ inventory_dir }}`.
 * @throws InventoryError for a group that Ansible cannot tell from its own
 */
export function ansibleInventory(inventory: Inventory, knownHosts: string): AnsibleInventory {
  const groups = new Map<string, Set<string>>([
    ['gateways', new Set(inventory.gateways.map(({ name }) => name))],
    ['devices', new Set(inventory.devices.map(({ name }) => name))],
  ])
  for (const { name, devices } of inventory.groups) {
    const known = groupName(name)
    if (['all', 'ungrouped', 'gateways', 'devices', '_meta'].includes(known)) {
      throw new InventoryError(`the group ${name} has a name that means something else to Ansible`, 'rename the group')
    }
    groups.set(known, new Set([...(groups.get(known) ?? []), ...devices]))
  }
  const told = hosts(inventory).map((host): [string, HostVariables] => [
    host.name,
    variables(host, inventory, knownHosts),
  ])
  return {
    hosts: Object.fromEntries(told),
    groups: Object.fromEntries([...groups].map(([name, members]) => [name, [...members]])),
  }
}

/** A file for `ansible-playbook -i`. */
export function printStatic({ hosts, groups }: AnsibleInventory): string {
  const children = Object.entries(groups).map(([name, members]) => {
    return [name, { hosts: Object.fromEntries(members.map((member) => [member, {}])) }]
  })
  return print({ all: { hosts, children: Object.fromEntries(children) } })
}

/** What a program that is an inventory answers to `--list`. */
export function printList({ hosts, groups }: AnsibleInventory): string {
  const members = Object.entries(groups).map(([name, members]) => [name, { hosts: members }])
  return print({ _meta: { hostvars: hosts }, all: { children: Object.keys(groups) }, ...Object.fromEntries(members) })
}

/** … and to `--host NAME`; nothing for one it does not know, as Ansible wants it. */
export function printHost({ hosts }: AnsibleInventory, name: string): string {
  return print(Object.entries(hosts).find(([known]) => known === name)?.[1] ?? {})
}

function print(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

/** Ansible's names for groups are those of Python's variables. */
function groupName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_')
}

function variables(host: Gateway | Device, inventory: Inventory, knownHosts: string): HostVariables {
  const jump = host.role === 'device' ? jumpTo(host, inventory, knownHosts) : undefined
  const options = jump === undefined ? placeOf(host) : { ProxyCommand: jump.text.replaceAll('%', '%%') }
  const words = Object.entries({ ...pinned(host.name, knownHosts), ...options }).map(
    ([key, value]) => `${key}=${value}`,
  )
  const { user, identityFile } = host.login
  return {
    ...(user !== undefined && { ansible_user: user }),
    ...(identityFile !== undefined && { ansible_ssh_private_key_file: identityFile }),
    ansible_ssh_common_args: words.map((word) => `-o ${quote(word)}`).join(' '),
  }
}

type Options = Readonly<Record<string, string | number>>

function pinned(name: string, knownHosts: string): Options {
  return {
    HostKeyAlias: name,
    UserKnownHostsFile: `"${knownHosts.replaceAll('%', '%%')}"`,
    StrictHostKeyChecking: 'yes',
    CheckHostIP: 'no',
  }
}

function placeOf({ address, port }: Gateway | Device): Options {
  return { ...(address !== undefined && { HostName: address }), ...(port !== undefined && { Port: port }) }
}

/** Through its forwards, the next where one is not open; else through the gateways that it may be reached by. */
function jumpTo(device: Device, inventory: Inventory, knownHosts: string): Sh | undefined {
  const own = loginForwards(device)
  const ways =
    own.length > 0 ? own.map((forward) => [forward.gateway, listener(forward)] as const) : besides(device, inventory)
  const commands = ways.map(([name, to]) => {
    const gateway = inventory.gateways.find((each) => each.name === name)
    return gateway && through(gateway, to, { knownHosts, isOneOfSeveral: ways.length > 1 })
  })
  const known = commands.filter((command) => command !== undefined)
  const [first, ...others] = known
  // ssh puts an exec before it, which `||` would not outlive.
  return others.length === 0 ? first : sh`sh -c ${known.map(({ text }) => text).join(' || ')}`
}

function listener(forward: Forward): string {
  return place(reachedOn(forward), forward.port)
}

function besides(device: Device, { gateways }: Inventory): (readonly [string, string])[] {
  if (device.via.includes('direct')) return []
  const names = device.via.filter((way) => gateways.some(({ name }) => name === way))
  return names.map((name) => [name, place(device.address ?? device.name, device.port ?? 22)] as const)
}

function place(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

interface Jumping {
  readonly knownHosts: string
  readonly isOneOfSeveral: boolean
}

function through(gateway: Gateway, to: string, { knownHosts, isOneOfSeveral }: Jumping): Sh {
  const { user, identityFile } = gateway.login
  const options: Options = {
    ...pinned(gateway.name, knownHosts),
    ...placeOf(gateway),
    ...(user !== undefined && { User: user }),
    ...(identityFile !== undefined && { IdentityFile: `"${identityFile.replaceAll('%', '%%')}"` }),
    ...(isOneOfSeveral && { BatchMode: 'yes', ConnectTimeout: 4 }),
  }
  const words = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  return sh`ssh ${words} -W ${to} ${gateway.name}`
}
