import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LabPlan, localNames, type MachinePlan } from './plan.ts'
import { hasCard, rootOf } from './root.ts'

/**
 * Who has which address just now: the lab's own copy of /etc/hosts is the one truth about it, since a machine may have
 * been given a new address after the plan was made.
 */
export const hostsOf = (plan: Pick<LabPlan, 'directory'>): string => join(plan.directory, 'hosts')
/** What one machine believes; bound over its /etc/hosts, and so always written in place. */
export const ownHostsOf = (machine: Pick<MachinePlan, 'directory'>): string => join(machine.directory, 'hosts')
/** What the commands of this machine believe that run in a network of the lab. */
export const netnsHostsOf = (namespace: string): string => join('/etc/netns', namespace, 'hosts')

export function readHosts(plan: Pick<LabPlan, 'directory'>): Promise<string> {
  return readFile(hostsOf(plan), 'utf8')
}

/** The address of a host in the text of a hosts file. */
function addressIn(hosts: string, name: string): string | undefined {
  const lines = hosts.split('\n').map((line) => line.split(' '))
  return lines.find(([, first]) => first === name)?.[0]
}

/** The address of a machine just now. */
export function addressOf(plan: LabPlan, machine: MachinePlan): string {
  const file = hostsOf(plan)
  return (existsSync(file) && addressIn(readFileSync(file, 'utf8'), machine.name)) || machine.address
}

export function withAddress(hosts: string, name: string, address: string): string {
  const lines = hosts.split('\n').map((line) => line.split(' '))
  return lines.map((words) => (words[1] === name ? [address, ...words.slice(1)] : words).join(' ')).join('\n')
}

/** Before a machine boots: it knows everybody, unless it was made to forget. */
export async function giveNames(plan: LabPlan, machine: MachinePlan): Promise<void> {
  await mkdir(machine.directory, { recursive: true })
  if (!(await hasForgotten(machine))) await learnNames(plan, machine)
}

export async function learnNames(plan: LabPlan, machine: MachinePlan): Promise<void> {
  await believe(machine, await readHosts(plan))
}

/** Only its own names are left. There is no other source of names in the lab, so every other one fails at once. */
export async function forgetNames(machine: MachinePlan): Promise<void> {
  await believe(machine, nobodyElse(machine))
}

async function believe(machine: MachinePlan, hosts: string): Promise<void> {
  await writeFile(ownHostsOf(machine), hosts)
  if (!(await hasCard(machine))) return
  const file = join(rootOf(machine), 'etc/hosts')
  const own = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '' && !line.endsWith(mark))
  await writeFile(file, [...own, ...markedLines(hosts), ''].join('\n'))
}

/** A card's /etc/hosts is its own, for its first boot writes it anew; there the lab's lines stand beside the others. */
export function markedLines(hosts: string): readonly string[] {
  const lines = hosts.split('\n').filter((line) => line !== '' && !localNames.includes(line))
  return lines.map((line) => `${line}${mark}`)
}

const mark = ' # lab'

/** Everybody hears of it at once, also who is off; only who was made to forget does not. */
export async function tellEverybody(plan: LabPlan, hosts: string, namespaces: readonly string[]): Promise<void> {
  await writeFile(hostsOf(plan), hosts)
  for (const namespace of namespaces) await writeFile(netnsHostsOf(namespace), hosts)
  for (const machine of plan.machines) await giveNames(plan, machine)
}

const nobodyElse = ({ name }: MachinePlan) => [...localNames, `127.0.1.1 ${name}`, ''].join('\n')

async function hasForgotten(machine: MachinePlan): Promise<boolean> {
  return (await readFile(ownHostsOf(machine), 'utf8').catch(() => '')) === nobodyElse(machine)
}
