/** An inventory of Ansible, whichever way it was written. */
export type Tree = Map<string, AnsibleGroup>

export type AnsibleVariables = ReadonlyMap<string, unknown>

export interface AnsibleGroup {
  readonly hosts: Map<string, Map<string, unknown>>
  readonly vars: Map<string, unknown>
  readonly children: Set<string>
}

export function groupOf(tree: Tree, name: string): AnsibleGroup {
  const group = tree.get(name) ?? { hosts: new Map(), vars: new Map(), children: new Set() }
  tree.set(name, group)
  return group
}

export function addHost(group: AnsibleGroup, name: string, variables: Iterable<readonly [string, unknown]>): void {
  group.hosts.set(name, new Map([...(group.hosts.get(name) ?? []), ...variables]))
}
