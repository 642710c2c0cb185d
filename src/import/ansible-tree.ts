/** An inventory of Ansible, whichever way it was written. */
export interface Tree {
  readonly groups: Map<string, AnsibleGroup>
  /** The variables of each host by itself: the one that was read last counts. */
  readonly hosts: Map<string, Map<string, unknown>>
}

export interface AnsibleGroup {
  readonly hosts: Set<string>
  readonly vars: Map<string, unknown>
  readonly children: Set<string>
}

export const emptyTree = (): Tree => ({ groups: new Map(), hosts: new Map() })

export function groupOf({ groups }: Tree, name: string): AnsibleGroup {
  const group = groups.get(name) ?? { hosts: new Set(), vars: new Map(), children: new Set() }
  groups.set(name, group)
  return group
}

export function addHost(
  tree: Tree,
  group: string,
  name: string,
  variables: Iterable<readonly [string, unknown]> = [],
): void {
  groupOf(tree, group).hosts.add(name)
  const own = tree.hosts.get(name) ?? new Map<string, unknown>()
  for (const [key, value] of variables) own.set(key, value)
  tree.hosts.set(name, own)
}
