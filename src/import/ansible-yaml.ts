import { LineCounter, parseDocument } from 'yaml'
import { InventoryError } from '../errors.ts'
import { isObject } from '../files/json.ts'
import { addHost, emptyTree, groupOf, type Tree } from './ansible-tree.ts'
import { hostPattern } from './host-range.ts'

/**
 * An inventory in YAML or JSON, or what `ansible-inventory --list` prints. `skipped`: a sentence for each part that
 * Ansible passes over with a warning.
 * @throws InventoryError
 */
export function readYaml(text: string, file: string): { readonly tree: Tree; readonly skipped: readonly string[] } {
  const counter = new LineCounter()
  // As the YAML of Ansible: 1.1, and the last of two equal keys counts. What is encrypted is an unknown tag, and a
  // warning.
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, lineCounter: counter, logLevel: 'error' })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = counter.linePos(error.pos[0])
    const message = error.message.split('\n', 1)[0]?.replace(/ at line .*$/, '') ?? ''
    throw new InventoryError(
      `${file}:${line}:${col} ${message}`,
      'if it is not an inventory in YAML, give its format with --from',
    )
  }
  const root: unknown = document.toJS({ maxAliasCount: -1 })
  if (!isObject(root))
    throw new InventoryError(`${file}: contains no groups`, 'an inventory in YAML begins with "all:"')
  if (typeof root.plugin === 'string')
    throw new InventoryError(
      `${file} is the configuration of Ansible's plugin ${root.plugin}`,
      `let Ansible ask it: ansible-inventory -i ${file} --list >hosts.json, and import that`,
    )
  const reading: Reading = { tree: emptyTree(), file, skipped: [] }
  const { _meta, ...groups } = root
  for (const [name, group] of Object.entries(groups)) readGroup(name, group, reading)
  const variables = isObject(_meta) && isObject(_meta.hostvars) ? _meta.hostvars : {}
  for (const [host, vars] of Object.entries(variables))
    addHost(reading.tree, 'ungrouped', { name: host, variables: entries(vars) })
  return reading
}

interface Reading {
  readonly tree: Tree
  readonly file: string
  readonly skipped: string[]
}

function readGroup(name: string, group: unknown, reading: Reading): void {
  const { tree, file, skipped } = reading
  if (group !== null && !isObject(group)) {
    skipped.push(`${name}: it is no group, which consists of hosts, vars and children (${file})`)
    return
  }
  const into = groupOf(tree, name)
  for (const [key, value] of Object.entries(group ?? {})) {
    if (!['hosts', 'vars', 'children'].includes(key)) {
      skipped.push(`${name}.${key}: a group has only hosts, vars and children (${file})`)
      continue
    }
    for (const [word, inner] of members(key, value, `${file}: ${name}.${key}`)) {
      if (key === 'vars') into.vars.set(word, inner)
      else if (key === 'hosts') addHosts(name, word, { inner, reading })
      else {
        into.children.add(word)
        readGroup(word, inner, reading)
      }
    }
  }
}

function members(key: string, value: unknown, place: string): [string, unknown][] {
  if (value === undefined || value === null || isObject(value) || Array.isArray(value)) return entries(value)
  // One name as text is one of that name.
  if (typeof value === 'string' && key !== 'vars') return [[value, null]]
  throw new InventoryError(`${place}: ${JSON.stringify(value)} does not say names`, 'write each name as a key')
}

function addHosts(group: string, pattern: string, { inner, reading }: { inner: unknown; reading: Reading }): void {
  const hosts = hostPattern(pattern)
  if (hosts === undefined)
    throw new InventoryError(`${reading.file}: ${group}.hosts.${pattern}: not a valid range of hosts`)
  const { names, port } = hosts
  for (const name of names) addHost(reading.tree, group, { name, port, variables: entries(inner) })
}

/** Of an object; a list of names, as `--list` prints it, has nothing behind each. */
function entries(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.map((name) => [String(name), null])
  return isObject(value) ? Object.entries(value) : []
}
