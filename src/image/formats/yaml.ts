import { type Document, isMap, isScalar, isSeq, type Pair, parseDocument, Scalar, visit, type YAMLMap } from 'yaml'
import { ProvisionError } from '../../errors.ts'
import { record } from './format.ts'

export const again = 'correct it, or flash the card again'

/** A YAML file that PyYAML reads. What is added goes between its lines: nothing that is there is ever written anew. */
export interface Yaml {
  readonly name: string
  readonly text: string
}

/** @throws ProvisionError where it is no YAML, or no mapping; nothing at all is an empty one. */
export function contentsOf(yaml: Yaml): Readonly<Record<string, unknown>> {
  const value: unknown = documentOf(yaml).toJS()
  if (value === null || value === undefined) return {}
  const found = record(value)
  if (found === undefined) throw new ProvisionError(`its ${yaml.name} is not a YAML mapping`, again)
  return found
}

/** The file with a value at the end of these keys, none of which but the first ones may be there. */
export function added(yaml: Yaml, path: readonly string[], value: unknown): Yaml {
  const document = documentOf(yaml)
  const { text } = yaml
  const [first = '', ...others] = path
  if (document.contents === null)
    return checked(yaml, `${closed(text)}${print(first, nested(others, value))}`, path, value)
  let map = document.contents as unknown
  for (const [index, key] of path.entries()) {
    if (!isMap(map)) break
    refuseShared(yaml, map)
    const pair = pairOf(map, key)
    const rest = nested(path.slice(index + 1), value)
    if (pair === undefined) return checked(yaml, inFront(yaml, map, key, rest), path, value)
    if (isNothing(pair)) return checked(yaml, instead(yaml, pair, rest), path, value)
    map = pair.value
  }
  throw unmergeable(yaml, path.join('.'))
}

/** The file with another item at the front of the list at this key, which may be absent. */
export function prepended(yaml: Yaml, key: string, item: unknown): Yaml {
  const { contents } = documentOf(yaml)
  const pair = isMap(contents) ? pairOf(contents, key) : undefined
  const list = pair?.value
  const now = contentsOf(yaml)[key]
  if (pair === undefined && now !== undefined) throw unmergeable(yaml, key)
  if (pair === undefined || isNothing(pair)) return added(yaml, [key], [item])
  if (!isSeq(list) || !list.range) throw unmergeable(yaml, key)
  refuseShared(yaml, list)
  const [at] = list.range
  const { text } = yaml
  const start = lineStart(text, at)
  const spliced = list.flow
    ? splice(text, at + 1, `${json(item)}${list.items.length > 0 ? ', ' : ''}`)
    : splice(text, start, `${' '.repeat(at - start)}- ${json(item)}\n`)
  return checked(yaml, spliced, [key], [item, ...(now as unknown[])])
}

function documentOf({ name, text }: Yaml): Document {
  // As PyYAML reads it: NO is false and not Norway, of a key that stands there twice the last one counts.
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, strict: false })
  const [error] = document.errors
  if (error) throw new ProvisionError(`its ${name} is not valid YAML, in line ${error.linePos?.[0].line ?? 1}`, again)
  visit(document, {
    Scalar: (_, scalar) => void asPyYaml(scalar),
    // Of two of them the parsers take another one.
    Map: (_, map) => {
      if (map.items.filter(({ key }) => isScalar(key) && key.source === '<<').length > 1)
        throw new ProvisionError(`its ${name} has "<<" twice in one mapping`, again)
    },
  })
  return document as Document
}

/** A number with an exponent and no point is text to PyYAML; and a quoted "<<" merges nothing. */
function asPyYaml(scalar: Scalar): void {
  if (scalar.type === Scalar.PLAIN && /^[-+]?\d+e[-+]?\d+$/i.test(scalar.source ?? '')) scalar.value = scalar.source
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.findLast((pair) => (isScalar(pair.key) ? pair.key.value : pair.key) === key)
}

const isNothing = ({ value }: Pair) => value === null || (isScalar(value) && value.value === null)

/** In front of what a mapping has: what it ends with may be a text whose last lines count. */
function inFront({ text }: Yaml, map: YAMLMap, key: string, value: unknown): string {
  const [at = 0] = map.range ?? []
  if (map.flow) return splice(text, at + 1, `${keyOf(key)}: ${json(value)}${map.items.length > 0 ? ', ' : ''}`)
  const start = lineStart(text, at)
  const indent = /^ */.exec(text.slice(start))?.[0] ?? ''
  return splice(text, start, print(key, value, indent))
}

function instead(yaml: Yaml, { key, value }: Pair, rest: unknown): string {
  if (!isScalar(value) || !value.range || value.anchor) throw unmergeable(yaml, String(key))
  const [from, to] = value.range
  return `${yaml.text.slice(0, from)} ${json(rest)}${yaml.text.slice(to)}`
}

/**
 * Whatever the text looks like: if the file does not say afterwards what it said before, and this, it is not written.
 */
function checked(yaml: Yaml, text: string, path: readonly string[], value: unknown): Yaml {
  const wanted = contentsOf(yaml) as Record<string, unknown>
  let there = wanted
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(there, key) ? (record(there[key]) ?? {}) : {}
    define(there, key, next)
    there = next as Record<string, unknown>
  }
  define(there, path.at(-1) ?? '', value)
  const next = { name: yaml.name, text }
  if (canonical(contentsOf(next)) !== canonical(wanted)) throw unmergeable(yaml, path.join('.'))
  return next
}

/** Also where the key is __proto__. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    record(inner) ? Object.entries(inner as object).sort(([one], [other]) => (one < other ? -1 : 1)) : inner,
  )
}

/** What an alias repeats would change in two places. */
function refuseShared(yaml: Yaml, node: { readonly anchor?: string }): void {
  if (node.anchor !== undefined && new RegExp(String.raw`[\s[{,]\*${node.anchor}(?![^\s,\]}])`).test(yaml.text))
    throw unmergeable(yaml, `&${node.anchor}`)
}

function unmergeable({ name }: Yaml, where: string): ProvisionError {
  return new ProvisionError(
    `nothing can be added to ${where} in its ${name} in its present form`,
    'write it without aliases, or flash the card without that customisation',
  )
}

const splice = (text: string, at: number, more: string) => `${text.slice(0, at)}${more}${text.slice(at)}`
const lineStart = (text: string, at: number) => text.lastIndexOf('\n', at - 1) + 1
const closed = (text: string) => (text === '' || text.endsWith('\n') ? text : `${text}\n`)
const nested = (keys: readonly string[], value: unknown): unknown =>
  keys.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value)

function print(key: string, value: unknown, indent = ''): string {
  const inner = record(value)
  const list = Array.isArray(value) ? value : undefined
  if (inner)
    return `${indent}${keyOf(key)}:\n${Object.entries(inner)
      .map(([name, one]) => print(name, one, `${indent}  `))
      .join('')}`
  if (list) return `${indent}${keyOf(key)}:\n${list.map((item) => `${indent}  - ${json(item)}\n`).join('')}`
  return `${indent}${keyOf(key)}: ${json(value)}\n`
}

/** PyYAML takes more words for something else than text than any list of them has: all are quoted but plain names. */
const keyOf = (key: string) => (/^[a-z][a-z0-9_-]{3,}$/.test(key) ? key : json(key))

/** What JSON leaves as it is and PyYAML refuses is escaped. */
function json(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(json).join(', ')}]`
  const inner = record(value)
  if (inner)
    return `{${Object.entries(inner)
      .map(([key, one]) => `${keyOf(key)}: ${json(one)}`)
      .join(', ')}}`
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
