import type { AnsibleGroup, Tree } from './ansible-tree.ts'
import type { Found, FoundGroup, FoundHost } from './found.ts'
import { type Leftovers, leftovers } from './leftovers.ts'
import { proxyIn } from './proxy.ts'

/** Ansible's variables for a login, the one that takes precedence first. */
const LOGIN = {
  address: ['ansible_host', 'ansible_ssh_host'],
  port: ['ansible_port', 'ansible_ssh_port'],
  user: ['ansible_user', 'ansible_ssh_user'],
  identityFile: ['ansible_ssh_private_key_file', 'ansible_private_key_file'],
} as const

const ARGUMENTS = ['ansible_ssh_common_args', 'ansible_ssh_extra_args']
/** Have no influence on what provision does. */
const SILENT = ['ansible_become', 'ansible_connection', 'ansible_ssh_pipelining', 'ansible_ssh_retries']

/** The hosts and groups of an inventory of Ansible's; variables count as there, those of a child before its parents'. */
export function foundIn(tree: Tree): Found {
  const left = leftovers()
  const names = new Set([...tree.values()].flatMap(({ hosts }) => [...hosts.keys()]))
  const hosts = [...names].flatMap((name) => {
    const host = hostOf(name, variablesOf(tree, name), left)
    return host === undefined ? [] : [host]
  })
  const groups = [...tree.keys()]
    .filter((name) => name !== 'all' && name !== 'ungrouped')
    .map((name): FoundGroup => ({ name, members: [...membersOf(tree, name)] }))
  return { hosts, groups: groups.filter(({ members }) => members.length > 0), left: left.sentences() }
}

function hostOf(name: string, vars: ReadonlyMap<string, unknown>, left: Leftovers): FoundHost | undefined {
  const connection = String(vars.get('ansible_connection') ?? 'ssh')
  if (!/^(smart|ssh|(ansible\.netcommon\.)?libssh|paramiko(_ssh)?)$/.test(connection)) {
    left.add(`its connection is ${connection}, not ssh, so it is left out`, name)
    return undefined
  }
  const read = new Set<string>([...SILENT, ...ARGUMENTS, ...Object.values(LOGIN).flat()])
  const one = (keys: readonly string[]) => {
    const key = keys.find((each) => vars.has(each))
    const value = key === undefined ? undefined : vars.get(key)
    if (typeof value === 'number' || (typeof value === 'string' && !value.includes('{{'))) return String(value)
    if (value !== undefined) left.add(`${key} is not a plain value`, name)
    return undefined
  }
  const port = one(LOGIN.port)
  const isPort = port !== undefined && /^\d{1,5}$/.test(port)
  if (port !== undefined && !isPort) left.add('ansible_port is not a number', name)
  const proxies = ARGUMENTS.flatMap((key) => {
    const value = one([key])
    return value === undefined ? [] : [proxyIn(value)]
  })
  for (const word of proxies.flatMap(({ others }) => others)) left.add(`the argument ${word} for ssh`, name)
  for (const key of vars.keys()) {
    if (read.has(key)) continue
    const secret = /pass(word)?$/.test(key) && key.startsWith('ansible_')
    left.add(secret ? `${key}: provision logs in with keys` : `the variable ${key}`, name)
  }
  const through = proxies.find(({ jumps }) => jumps.length > 0)
  const address = through?.to?.address ?? one(LOGIN.address)
  const user = one(LOGIN.user)
  const identityFile = one(LOGIN.identityFile)
  return {
    name,
    ...(address !== undefined && address !== name && { address }),
    ...(through?.to !== undefined ? { port: through.to.port } : isPort && { port: Number(port) }),
    ...(user !== undefined && { user }),
    ...(identityFile !== undefined && { identityFile }),
    jumps: through?.jumps ?? [],
  }
}

function variablesOf(tree: Tree, host: string): Map<string, unknown> {
  const groups = [...tree].filter(([name]) => name === 'all' || membersOf(tree, name).has(host))
  const ordered = groups
    .map(([name, group]) => ({ name, group, depth: depthOf(tree, name) }))
    .toSorted((a, b) => a.depth - b.depth || (a.name < b.name ? -1 : 1))
  const own = [...tree.values()].flatMap(({ hosts }) => [...(hosts.get(host) ?? [])])
  return new Map([...ordered.flatMap(({ group }) => [...group.vars]), ...own])
}

function membersOf(tree: Tree, name: string, above: readonly string[] = []): Set<string> {
  const group: AnsibleGroup | undefined = tree.get(name)
  if (group === undefined || above.includes(name)) return new Set()
  const below = [...group.children].flatMap((child) => [...membersOf(tree, child, [...above, name])])
  return new Set([...group.hosts.keys(), ...below])
}

/** How far below `all`. */
function depthOf(tree: Tree, name: string, below: readonly string[] = []): number {
  if (name === 'all') return 0
  const parents = [...tree].filter(([parent, { children }]) => children.has(name) && !below.includes(parent))
  return 1 + Math.max(0, ...parents.map(([parent]) => depthOf(tree, parent, [...below, name])))
}
