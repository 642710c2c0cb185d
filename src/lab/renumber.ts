import { readdir } from 'node:fs/promises'
import { addressOf, readHosts, tellEverybody, withAddress } from './names.ts'
import { readdress } from './network.ts'
import { type LabPlan, type MachinePlan, nextAddress } from './plan.ts'
import { leaderIn } from './processes.ts'

/** A new DHCP lease: the address changes while the machine runs (or is off), and everybody's names follow. */
export async function renumber(plan: LabPlan, machine: MachinePlan): Promise<void> {
  const hosts = await readHosts(plan)
  const old = addressOf(plan, machine)
  const taken = new Set([...plan.machines.flatMap(({ address, literals }) => [address, ...literals]), ...inUse(hosts)])
  const address = nextAddress(machine.side, taken)
  if ((await leaderIn(machine.namespace)) !== undefined) await readdress(machine, old, address)
  const namespaces = (await readdir('/run/netns')).filter((name) => belongs(plan, name))
  await tellEverybody(plan, withAddress(hosts, machine.name, address), namespaces)
}

const inUse = (hosts: string) => hosts.split('\n').flatMap((line) => line.split(' ')[0] ?? [])
const belongs = ({ id }: LabPlan, name: string) => name.startsWith(`${id}-`) || name.startsWith(`${id}+`)
