import { mkdir, rm, writeFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { local } from './local.ts'
import { addressOf, readHosts } from './names.ts'
import { type LabPlan, type MachinePlan, type NetworkSide, network } from './plan.ts'

/** The namespaces that are no machine. A plus sign is in no host name. */
export const firewallOf = (id: string): string => `${id}+firewall`
export const adminOf = (id: string, side: NetworkSide): string => (side === 'lan' ? `${id}+admin` : `${id}+admin-guest`)

const number = { guest: 1, lan: 2 } as const
const v6 = (side: NetworkSide, host: number): string => `fd77:${number[side]}::${host.toString(16)}`

// Silence, as a home router's: what the guest network calls in the LAN gets no answer at all. What stays on one side
// only comes by when an address of the inventory lies outside both networks.
const ruleset = `table inet lab {
  chain forward {
    type filter hook forward priority filter; policy drop;
    iifname guest oifname guest accept
    iifname lan oifname lan accept
    ct state invalid drop
    ct state established,related accept
    iifname lan oifname guest accept
  }
  chain outbound {
    type nat hook postrouting priority srcnat;
    iifname lan oifname guest masquerade
  }
}`

const sysctls = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv6.conf.all.keep_addr_on_down=1',
  'net.ipv4.conf.all.send_redirects=0',
  'net.ipv4.conf.default.send_redirects=0',
]

/** Both networks, the firewall between, and the admin machine's place in each. */
export async function makeNetworks(plan: LabPlan): Promise<void> {
  const firewall = firewallOf(plan.id)
  await addNamespace(firewall, await readHosts(plan))
  await inside(firewall, ['sysctl', '-qw', ...sysctls])
  await batch(firewall, [
    'link set lo up',
    ...(['guest', 'lan'] as const).flatMap((side) => [
      // Without an address of its own a bridge takes one of its cables', another one when that is unplugged.
      `link add ${side} address ${mac(side, 1)} type bridge`,
      `addr add ${network[side]}.0.1/16 dev ${side}`,
      `addr add ${v6(side, 1)}/64 dev ${side} nodad`,
      `link set ${side} up`,
    ]),
  ])
  await inside(firewall, ['nft', '-f', '-'], ruleset)
  // Only known once connection tracking is loaded: a flow from before `forget` is not accepted in its middle.
  await inside(firewall, ['sysctl', '-qw', 'net.netfilter.nf_conntrack_tcp_loose=0'])
  await route(plan)
  for (const side of ['guest', 'lan'] as const) {
    const namespace = adminOf(plan.id, side)
    await addNamespace(namespace, await readHosts(plan))
    await plug(plan, { namespace, side, port: `a-${side}`, host: 2, address: `${network[side]}.0.2`, literals: [] })
  }
}

/** A network for one machine: a fresh namespace with one cable to its bridge. */
export async function plugIn(plan: LabPlan, machine: MachinePlan): Promise<void> {
  const address = addressOf(plan, machine)
  await addNamespace(machine.namespace, await readHosts(plan))
  await plug(plan, { ...machine, address, port: portOf(machine), host: 16 + machine.index })
}

/** The machine goes on with another address on the same cable, and what is bound to the old one is cut off. */
export async function readdress(machine: MachinePlan, old: string, address: string): Promise<void> {
  const { namespace, side } = machine
  await batch(namespace, [
    `addr del ${old}/16 dev eth0`,
    `addr add ${address}/16 dev eth0`,
    `route replace default via ${network[side]}.0.1`,
  ])
}

/**
 * A machine that is emulated has its network card behind a tap, and the cable is bridged to it. `own`: an address that
 * only the emulator's side has, for the DHCP and names that such a machine gets; the machine's own is for the machine.
 */
export async function bridgeTap(plan: LabPlan, machine: MachinePlan) {
  const { namespace, side, index } = machine
  const own = `${network[side]}.255.${1 + (index % 250)}`
  await batch(namespace, [
    'addr flush dev eth0',
    `link add bridge address ${mac(side, 0x2000 + index)} type bridge`,
    'tuntap add card mode tap',
    ...['eth0', 'card'].map((port) => `link set ${port} master bridge up`),
    `addr add ${own}/16 dev bridge`,
    'link set bridge up',
  ])
  return { tap: 'card', mac: mac(side, 0x1000 + index), address: addressOf(plan, machine), own }
}

/** Takes the cable and the namespace away, with every connection in it: the other ends hear nothing. */
export async function unplug(plan: LabPlan, machine: MachinePlan): Promise<void> {
  await local(['ip', '-n', firewallOf(plan.id), 'link', 'del', portOf(machine)]).catch(() => undefined)
  await local(['ip', 'netns', 'del', machine.namespace]).catch(() => undefined)
}

/** Drops every packet of the machine, in silence, save those to itself. */
export async function cutOff(namespace: string): Promise<void> {
  const chain = (hook: string, word: string) =>
    `chain ${hook} { type filter hook ${hook} priority -300; policy drop; ${word} lo accept; }`
  await inside(
    namespace,
    ['nft', '-f', '-'],
    `${noCut}\ntable inet lab_cut {\n${chain('input', 'iif')}\n${chain('output', 'oif')}\n}`,
  )
}

export async function mendCut(namespace: string): Promise<void> {
  await inside(namespace, ['nft', '-f', '-'], noCut)
}

/** The same for a machine that is emulated: its packets only pass by here, and meet no filter. */
export async function pullCable(namespace: string, how: 'down' | 'up'): Promise<void> {
  await batch(namespace, [`link set eth0 ${how}`])
}

const noCut = 'table inet lab_cut\ndelete table inet lab_cut'

/** The firewall forgets every connection that it masquerades, as a home router that restarts. */
export async function forgetConnections(plan: LabPlan): Promise<void> {
  await batch(firewallOf(plan.id), ['link set guest down', 'link set guest up'])
  await route(plan)
}

/** Runs a program of this machine in another network. */
export async function inside(namespace: string, argv: readonly string[], input?: string): Promise<string> {
  return local(['nsenter', `--net=/run/netns/${namespace}`, ...argv], input === undefined ? {} : { input })
}

async function addNamespace(namespace: string, hosts: string): Promise<void> {
  const folder = join('/etc/netns', namespace)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'hosts'), hosts)
  await writeFile(join(folder, 'resolv.conf'), '')
  await local(['ip', 'netns', 'add', namespace])
}

export async function removeNamespace(namespace: string): Promise<void> {
  await local(['ip', 'netns', 'del', namespace]).catch(() => undefined)
  await rm(join('/etc/netns', namespace), { recursive: true, force: true })
}

interface Cable {
  readonly namespace: string
  readonly side: NetworkSide
  /** Name of the firewall's end. */
  readonly port: string
  readonly host: number
  readonly address: string
  readonly literals: readonly string[]
}

async function plug(plan: LabPlan, { namespace, side, port, host, address, literals }: Cable): Promise<void> {
  await batch(firewallOf(plan.id), [
    `link add ${port} type veth peer name eth0 address ${mac(side, host)} netns ${namespace}`,
    `link set ${port} master ${side} up`,
  ])
  await batch(namespace, [
    'link set lo up',
    `addr add ${address}/16 dev eth0`,
    `addr add ${v6(side, host)}/64 dev eth0 nodad`,
    ...literals.map((literal) => `addr add ${literal}${isIPv6(literal) ? '/128 dev eth0 nodad' : '/32 dev eth0'}`),
    'link set eth0 up',
    `route add default via ${network[side]}.0.1`,
    `route add default via ${v6(side, 1)}`,
  ])
}

/** Addresses from outside both networks are found through the firewall. */
async function route(plan: LabPlan): Promise<void> {
  const routes = plan.machines.flatMap(({ side, literals }) =>
    literals.map((literal) => `route replace ${literal} dev ${side}`),
  )
  if (routes.length > 0) await batch(firewallOf(plan.id), routes)
}

function batch(namespace: string, lines: readonly string[]): Promise<string> {
  return local(['ip', '-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

const portOf = ({ index }: MachinePlan): string => `m${index}`
/** The same for ever: a machine that comes back is known to its neighbours. */
const mac = (side: NetworkSide, host: number): string =>
  `02:77:0${number[side]}:00:${hex(host >> 8)}:${hex(host & 255)}`
const hex = (byte: number): string => byte.toString(16).padStart(2, '0')
