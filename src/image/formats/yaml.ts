import { type Document, isMap, type Node, Pair, parseDocument, Scalar, visit, type YAMLMap } from 'yaml'
import { ProvisionError } from '../../errors.ts'
import { record } from './format.ts'

export const again = 'mend it, or flash the card again'

/** @throws ProvisionError where it is no YAML, or no mapping. */
export function parsed(name: string, text: string): Document {
  // As PyYAML reads it, for which NO is false and not Norway.
  const document = parseDocument(text, { version: '1.1' })
  const [error] = document.errors
  if (error) throw new ProvisionError(`its ${name} is no YAML, in line ${error.linePos?.[0].line ?? 1}`, again)
  visit(document, { Scalar: (_, scalar) => void (scalar.type?.startsWith('QUOTE') && quote(scalar, scalar.type)) })
  const value: unknown = document.toJS()
  if (value !== null && record(value) === undefined) throw new ProvisionError(`its ${name} is no mapping`, again)
  return document
}

/** Sets what is at the end of these keys, and makes the mappings on the way there. Text is quoted, whatever it looks like. */
export function setIn(document: Document, path: readonly string[], value: unknown): void {
  const last = path.at(-1)
  let there = document.contents ?? document.createNode({})
  document.contents = there as never
  for (const key of path.slice(0, -1)) {
    if (!isMap(there)) return
    // On its own, with YAML 1.1, the library would make an ordered map, which is another type to PyYAML.
    if (!isMap(there.get(key))) put(there, key, document.createNode({}))
    there = there.get(key) as Node
  }
  if (isMap(there) && last !== undefined) put(there, last, nodeOf(document, value))
}

function put(map: YAMLMap, key: string, value: Node): void {
  if (map.has(key)) map.set(key, value)
  else map.add(new Pair(/^[a-z][a-z0-9_-]{3,}$/.test(key) ? new Scalar(key) : quoted(key), value))
}

function nodeOf(document: Document, value: unknown): Node {
  if (typeof value === 'string') return quoted(value)
  const node = document.createNode(value)
  visit(node, { Scalar: (key, scalar) => void (key !== 'key' && typeof scalar.value === 'string' && quote(scalar)) })
  return node
}

const quoted = (text: string) => quote(new Scalar(text))

/**
 * PyYAML takes more words for something else than text than any list of them has. And the library writes "<<" without its
 * quotes, which then merges what belongs to it into the mapping around: only a tag keeps it a text.
 */
function quote<T extends Scalar>(scalar: T, type: Scalar.Type = Scalar.QUOTE_DOUBLE): T {
  scalar.type = type
  if (scalar.value === '<<') scalar.tag = 'tag:yaml.org,2002:str'
  return scalar
}
