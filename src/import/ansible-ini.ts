import { InventoryError, type Problem } from '../errors.ts'
import { wordsOf } from '../ssh/user-config/words.ts'
import { addHost, emptyTree, groupOf, type Tree } from './ansible-tree.ts'
import { hostPattern } from './host-range.ts'
import { pythonLiteral } from './python-literal.ts'

/** @throws InventoryError with the place of each line that Ansible would not accept */
export function readIni(text: string, file: string): Tree {
  const tree = emptyTree()
  const problems: Problem[] = []
  let [section, kind] = ['ungrouped', 'hosts']
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || /^[#;]/.test(trimmed)) continue
    const complain = (message: string) => {
      problems.push({ file, line: index + 1, column: line.indexOf(trimmed) + 1, message })
    }
    const [, name, of = 'hosts'] = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(#.*)?$/.exec(trimmed) ?? []
    if (name !== undefined) {
      section = name
      kind = of
      groupOf(tree, section)
      if (!['hosts', 'vars', 'children'].includes(kind))
        complain(`[${section}:${kind}]: not a section that Ansible knows`)
    } else if (/^\[.*\]$/.test(trimmed)) {
      complain('not a section: write [GROUP], [GROUP:vars] or [GROUP:children], without spaces')
    } else if (kind === 'vars') {
      const [, key, value = ''] = /^([^=]*?)\s*=\s*(.*)$/.exec(trimmed) ?? []
      if (key === undefined) complain('expected NAME=VALUE in a section of variables')
      else groupOf(tree, section).vars.set(key, pythonLiteral(value))
    } else if (kind === 'children') {
      const child = trimmed.replace(/\s+#.*$/, '')
      groupOf(tree, section).children.add(child)
      groupOf(tree, child)
    } else {
      const problem = readHost(tree, section, trimmed)
      if (problem !== undefined) complain(problem)
    }
  }
  if (problems.length === 0) return tree
  const lines = problems.map(({ line, column, message }) => `${file}:${line}:${column} ${message}`)
  throw new InventoryError(lines.join('\n'), 'if it is not an inventory in INI, give its format with --from', problems)
}

function readHost(tree: Tree, section: string, line: string): string | undefined {
  const words = wordsOf(withoutComment(line))
  if (words === undefined) return 'a quote does not end on this line'
  const [pattern = '', ...settings] = words
  const hosts = hostPattern(pattern)
  if (hosts === undefined) return `${pattern}: not a valid range of hosts`
  const { names, port } = hosts
  const wrong = settings.find((setting) => !/^[^=]*=/.test(setting))
  if (wrong !== undefined) return `${wrong}: expected NAME=VALUE after the name of a host`
  const pairs = settings.map((setting): [string, unknown] => {
    const at = setting.indexOf('=')
    return [setting.slice(0, at), pythonLiteral(setting.slice(at + 1))]
  })
  for (const name of names) addHost(tree, section, { name, port, variables: pairs })
  return undefined
}

/** A `#` outside quotes begins a comment, even within a word. */
function withoutComment(line: string): string {
  return /^(?:[^#'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|['"])*/s.exec(line)?.[0] ?? line
}
