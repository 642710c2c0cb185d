import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { basename, join } from 'node:path'
import { InventoryError } from '../errors.ts'
import type { Client, Device, Gateway, Inventory } from '../inventory/model.ts'

/** The Debian releases that machines can be made of. */
export const suites = ['trixie', 'bookworm', 'bullseye'] as const
export type Suite = (typeof suites)[number]
export type NetworkSide = 'guest' | 'lan'
export type Role = 'gateway' | 'device' | 'client'

/** Where all labs of this machine keep their state. */
export const labs = '/run/provision-lab'

/** One machine as it shall be: plain data, kept in the lab's state file. */
export interface MachinePlan {
  readonly index: number
  readonly name: string
  readonly role: Role
  readonly suite: Suite
  readonly side: NetworkSide
  readonly address: string
  /** Addresses that the inventory names as numbers: the machine answers at these too. */
  readonly literals: readonly string[]
  readonly ports: readonly number[]
  readonly user: string
  readonly namespace: string
  /** What nspawn calls it; host names may be too long for that. */
  readonly nspawnName: string
  readonly directory: string
}

export interface LabPlan {
  readonly id: string
  readonly inventory: string
  readonly directory: string
  readonly machines: readonly MachinePlan[]
  /** Text of /etc/hosts for everybody in the lab. */
  readonly hosts: string
  readonly sudoPassword?: string
  readonly sshd?: string
}

/** The two networks: 1.x and up are machines, 0.1 is the firewall, 0.2 the admin machine. */
export const network = { guest: '10.77', lan: '10.78' } as const

/** All that a running lab is found by. */
export type Whereabouts = Pick<Inventory, 'file' | 'directory'>

/** The same inventory file always gives the same lab. */
export function labId({ directory, file: named }: Whereabouts): string {
  const file = join(directory, basename(named))
  return `lab${createHash('sha256').update(file).digest('hex').slice(0, 6)}`
}

export interface PlanOptions {
  readonly suite?: Suite | Readonly<Record<string, Suite>>
  readonly sudoPassword?: string
  /** A line at the end of every machine's sshd_config. */
  readonly sshd?: string
}

/** One machine per host of the inventory: who it is, where it stands, at which addresses and ports it answers. */
export function planLab(inventory: Inventory, options: PlanOptions = {}): LabPlan {
  const id = labId(inventory)
  const directory = join(labs, id)
  const everybody = [...inventory.gateways, ...inventory.devices, ...inventory.clients]
  const taken = new Set(everybody.flatMap((host) => addressesOf(host).filter((address) => isIP(address))))
  const machines: MachinePlan[] = []
  for (const host of everybody) {
    const index = machines.length
    const role = 'role' in host ? host.role : 'client'
    const side = role === 'device' ? 'lan' : 'guest'
    machines.push({
      index,
      name: host.name,
      role,
      suite: suiteOf(host.name, options),
      side,
      address: nextAddress(side, taken),
      literals: unique(addressesOf(host).filter((address) => isIP(address) && !isLoopback(address))),
      ports: portsOf(host),
      user: ('login' in host ? host.login.user : host.user) ?? 'user001',
      namespace: `${id}-${host.name}`,
      nspawnName: `${id}-${index}`,
      directory: join(directory, 'machines', host.name),
    })
  }
  refuseSharedAddresses(machines)
  const aliases = new Map(everybody.map((host) => [host.name, addressesOf(host).filter((word) => !isIP(word))]))
  return {
    id,
    inventory: join(inventory.directory, basename(inventory.file)),
    directory,
    machines,
    hosts: hostsFile(machines, aliases),
    ...(options.sudoPassword === undefined ? {} : { sudoPassword: options.sudoPassword }),
    ...(options.sshd === undefined ? {} : { sshd: options.sshd }),
  }
}

function addressesOf(host: Gateway | Device | Client): string[] {
  if (!('role' in host)) return []
  const dialled = host.role === 'gateway' ? [host.dial.address] : []
  return [host.address, ...dialled].filter((address) => address !== undefined)
}

function portsOf(host: Gateway | Device | Client): number[] {
  if (!('role' in host)) return [22]
  return unique([host.port ?? 22, ...(host.role === 'gateway' ? [host.dial.port] : [])])
}

function suiteOf(name: string, { suite = 'trixie' }: PlanOptions): Suite {
  return typeof suite === 'string' ? suite : (suite[name] ?? suite['*'] ?? 'trixie')
}

/** The first address of this side that nobody has; it is taken then. */
export function nextAddress(side: NetworkSide, taken: Set<string>): string {
  for (let n = 0; ; n++) {
    const address = `${network[side]}.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`
    if (taken.has(address)) continue
    taken.add(address)
    return address
  }
}

function refuseSharedAddresses(machines: readonly MachinePlan[]): void {
  const owners = new Map<string, string>()
  for (const { name, literals } of machines)
    for (const literal of literals) {
      const owner = owners.get(literal)
      if (owner)
        throw new InventoryError(
          `lab: ${owner} and ${name} share the address ${literal}, but each machine needs an address of its own`,
        )
      owners.set(literal, name)
    }
}

export const localNames = ['127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback']

function hostsFile(machines: readonly MachinePlan[], aliases: ReadonlyMap<string, readonly string[]>): string {
  const lines = machines.map(({ name, address }) =>
    [address, ...unique([name, ...(aliases.get(name) ?? [])]).filter((word) => word !== 'localhost')].join(' '),
  )
  return [...localNames, ...lines, ''].join('\n')
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
