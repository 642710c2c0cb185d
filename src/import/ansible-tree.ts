/** An inventory of Ansible, whichever way it was written. */
export type Tree = Map<string, Group>

export type Variables = ReadonlyMap<string, unknown>

export interface Group {
  readonly hosts: Map<string, Map<string, unknown>>
  readonly vars: Map<string, unknown>
  readonly children: Set<string>
}

export function groupOf(tree: Tree, name: string): Group {
  const group = tree.get(name) ?? { hosts: new Map(), vars: new Map(), children: new Set() }
  tree.set(name, group)
  return group
}

export function addHost(group: Group, name: string, variables: Iterable<readonly [string, unknown]>): void {
  group.hosts.set(name, new Map([...(group.hosts.get(name) ?? []), ...variables]))
}
