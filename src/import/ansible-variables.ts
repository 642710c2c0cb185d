import type { Tree } from './ansible-tree.ts'

/** The members of each group, those of its children too. */
export function membersByGroup({ groups }: Tree): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<string, ReadonlySet<string>>()
  const members = (name: string, above: readonly string[]): ReadonlySet<string> => {
    const group = groups.get(name)
    if (group === undefined || above.includes(name)) return new Set()
    const found =
      known.get(name) ??
      new Set([...group.hosts, ...[...group.children].flatMap((child) => [...members(child, [...above, name])])])
    known.set(name, found)
    return found
  }
  for (const name of groups.keys()) members(name, [])
  return known
}

/** The variables of each host as Ansible puts them together: those of a child before those of its parents. */
export function variablesByHost(tree: Tree): ReadonlyMap<string, ReadonlyMap<string, unknown>> {
  const members = membersByGroup(tree)
  const variables = new Map([...tree.hosts.keys()].map((host) => [host, new Map<string, unknown>()]))
  const ordered = [...tree.groups]
    .map(([name, { vars }]) => ({ name, vars, depth: depthOf(tree, name, []), priority: priorityOf(vars) }))
    .toSorted((a, b) => a.depth - b.depth || a.priority - b.priority || (a.name < b.name ? -1 : 1))
  for (const { name, vars } of ordered) {
    if (vars.size === 0) continue
    for (const host of name === 'all' ? tree.hosts.keys() : (members.get(name) ?? [])) {
      for (const [key, value] of vars) if (key !== PRIORITY) variables.get(host)?.set(key, value)
    }
  }
  for (const [host, own] of tree.hosts) for (const [key, value] of own) variables.get(host)?.set(key, value)
  return variables
}

const PRIORITY = 'ansible_group_priority'

const priorityOf = (vars: ReadonlyMap<string, unknown>) => Number(vars.get(PRIORITY) ?? 1) || 1

/** How far below `all`. */
function depthOf(tree: Tree, name: string, below: readonly string[]): number {
  if (name === 'all') return 0
  const parents = [...tree.groups].filter(([parent, { children }]) => children.has(name) && !below.includes(parent))
  return 1 + Math.max(0, ...parents.map(([parent]) => depthOf(tree, parent, [...below, name])))
}
