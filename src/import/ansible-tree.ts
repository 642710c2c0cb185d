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

/** A port in the name of a host counts where the host is named for the first time, as in Ansible. */
export function addHost(
  tree: Tree,
  group: string,
  {
    name,
    port,
    variables,
  }: { name: string; port?: number | undefined; variables: Iterable<readonly [string, unknown]> },
): void {
  groupOf(tree, group).hosts.add(name)
  const first = new Map<string, unknown>(port === undefined ? [] : [['ansible_port', port]])
  const own = tree.hosts.get(name) ?? first
  for (const [key, value] of variables) own.set(key, value)
  tree.hosts.set(name, own)
}
