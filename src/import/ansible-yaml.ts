import { LineCounter, parseDocument } from 'yaml'
import { InventoryError } from '../errors.ts'
import { isObject } from '../files/json.ts'
import { addHost, groupOf, type Tree } from './ansible-tree.ts'
import { hostsIn } from './host-range.ts'

/**
 * An inventory in YAML or JSON, or what `ansible-inventory --list` prints.
 * @throws InventoryError
 */
export function readYaml(text: string, file: string): Tree {
  const counter = new LineCounter()
  // What Ansible keeps encrypted is an unknown tag here, and a warning.
  const document = parseDocument(text, { lineCounter: counter, logLevel: 'error' })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = counter.linePos(error.pos[0])
    const message = error.message.split('\n', 1)[0]?.replace(/ at line .*$/, '') ?? ''
    throw new InventoryError(
      `${file}:${line}:${col} ${message}`,
      'if it is not an inventory in YAML, give its format with --from',
    )
  }
  const root: unknown = document.toJS()
  if (!isObject(root))
    throw new InventoryError(`${file}: contains no groups`, 'an inventory in YAML begins with "all:"')
  const tree: Tree = new Map()
  const { _meta, ...groups } = root
  for (const [name, group] of Object.entries(groups)) readGroup(tree, name, group, file)
  const variables = isObject(_meta) && isObject(_meta.hostvars) ? _meta.hostvars : {}
  for (const [host, vars] of Object.entries(variables)) addHost(groupOf(tree, 'ungrouped'), host, entries(vars))
  return tree
}

function readGroup(tree: Tree, name: string, group: unknown, file: string): void {
  const into = groupOf(tree, name)
  if (group === null) return
  if (!isObject(group))
    throw new InventoryError(`${file}: the group ${name} does not consist of hosts, vars and children`)
  const wrong = Object.keys(group).find((key) => !['hosts', 'vars', 'children'].includes(key))
  if (wrong !== undefined)
    throw new InventoryError(`${file}: ${name}.${wrong}: a group may have only hosts, vars and children`)
  for (const [key, value] of entries(group.vars)) into.vars.set(key, value)
  for (const [pattern, vars] of entries(group.hosts)) {
    const names = hostsIn(pattern)
    if (names === undefined) throw new InventoryError(`${file}: ${name}.hosts.${pattern}: not a valid range of hosts`)
    for (const host of names) addHost(into, host, entries(vars))
  }
  for (const [child, inner] of entries(group.children)) {
    into.children.add(child)
    readGroup(tree, child, inner, file)
  }
}

/** Of an object; a list of names, as `--list` prints it, has nothing behind each. */
function entries(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.map((name) => [String(name), null])
  return isObject(value) ? Object.entries(value) : []
}
