import { InventoryError } from '../errors.ts'
import type * as File from '../inventory/file.ts'
import type { PortRange } from '../inventory/model.ts'
import { hostNameProblem } from '../inventory/names.ts'
import { readPorts } from '../inventory/read/ports.ts'
import { importedDevices } from './devices-of.ts'
import type { Found, FoundHost } from './found.ts'
import { importedGateways, settled } from './gateways-of.ts'
import { type Leftovers, leftovers } from './leftovers.ts'

export interface Choices {
  /** Names of hosts or groups that are gateways; none: those that others jump through, or that a group says so of. */
  readonly gateways: readonly string[]
  /** `9000-9999`: each device without a forward gets one. */
  readonly ports?: string | undefined
}

/** What an inventory would say of these hosts, and what it cannot say. @throws InventoryError where nothing can be said */
export function inventoryOf(found: Found, choices: Choices): { file: File.InventoryFile; left: readonly string[] } {
  const left = leftovers()
  const hosts = settled(found.hosts, left)
  if (hosts.length === 0)
    throw new InventoryError(
      'there is no host in the file',
      'check that it is the right file, and give its format with --from',
    )
  const range = rangeOf(choices)
  const names = importedGateways(hosts, found.groups, choices.gateways)
  const gateways = hosts.filter(({ name }) => names.has(name))
  const devices = hosts.filter(({ name }) => !names.has(name))
  for (const { name, jump } of gateways) {
    if (jump !== undefined) left.add(`is itself reached through ${jump}: leave that in your ~/.ssh/config`, name)
  }
  const login = shared(hosts)
  const common = (host: FoundHost) => ({ ...placeOf(host), ...ownLogin(host, login) })
  const built = importedDevices(devices, { gateways, range, common, left })
  const groups = groupsOf(found, { devices: new Set(Object.keys(built)), gateways: names, hosts, left })
  return {
    file: {
      ...(Object.keys(login).length > 0 && { login }),
      gateways: Object.fromEntries(
        gateways.map((host) => [host.name, { ...common(host), ...(range && { ports: choices.ports ?? '' }) }]),
      ),
      devices: built,
      ...(Object.keys(groups).length > 0 && { groups }),
    },
    left: [...found.left, ...left.sentences()],
  }
}

function rangeOf({ ports }: Choices): PortRange | undefined {
  const read = ports === undefined ? undefined : readPorts(ports)
  if (read !== undefined && 'problem' in read) throw new InventoryError(`--ports: ${read.problem}`)
  return read?.range
}

function placeOf({ address, port }: FoundHost) {
  return { ...(address !== undefined && { address }), ...(port !== undefined && port !== 22 && { port }) }
}

type Login = Pick<FoundHost, 'user' | 'identityFile'>

/** What most hosts have, where every host has something: a host that says nothing keeps to your ssh_config. */
function shared(hosts: readonly FoundHost[]): Login {
  const most = (key: keyof Login) => {
    const values = hosts.flatMap((host) => host[key] ?? [])
    const count = (value: string) => values.filter((each) => each === value).length
    return values.length < hosts.length ? undefined : values.toSorted((a, b) => count(b) - count(a))[0]
  }
  const [user, identityFile] = [most('user'), most('identityFile')]
  return { ...(user !== undefined && { user }), ...(identityFile !== undefined && { identityFile }) }
}

function ownLogin({ user, identityFile }: FoundHost, login: Login): { login?: Login } {
  const own = {
    ...(user !== undefined && user !== login.user && { user }),
    ...(identityFile !== undefined && identityFile !== login.identityFile && { identityFile }),
  }
  return Object.keys(own).length > 0 ? { login: own } : {}
}

interface Around {
  readonly devices: ReadonlySet<string>
  readonly gateways: ReadonlySet<string>
  readonly hosts: readonly FoundHost[]
  readonly left: Leftovers
}

/** Groups are of devices; one of gateways alone says what its members are anyway. */
function groupsOf({ groups }: Found, { devices, gateways, hosts, left }: Around): Record<string, File.Group> {
  const kept = groups.flatMap(({ name, members }): [string, File.Group][] => {
    const own = members.filter((member) => devices.has(member))
    const problem = hostNameProblem(name)?.replaceAll('host name', 'group name')
    const taken = hosts.some((host) => host.name.toLowerCase() === name.toLowerCase())
    if (own.length === 0) return []
    if (problem !== undefined || taken) {
      left.add(`the group is left out, ${problem ?? 'a host has the same name'}`, name)
      return []
    }
    for (const gateway of members.filter((member) => gateways.has(member))) {
      left.add(`left out of the group ${name}: a gateway cannot be in a group`, gateway)
    }
    return [[name, { devices: own }]]
  })
  return Object.fromEntries(kept)
}
