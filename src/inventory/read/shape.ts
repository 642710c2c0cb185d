import type { InventoryFile } from '../file.ts'
import { list, show, suggest } from '../messages.ts'
import { portProblem } from '../names.ts'
import { keys, type SchemaError, validate } from '../validate.js'
import type { Path, Problems } from './problems.ts'

/** T, after everything of the wrong shape was taken out of it. */
export type DeepPartial<T> = T extends string | number | boolean
  ? T
  : { readonly [K in keyof T]: DeepPartial<T[K]> | undefined }

/**
 * Holds the value against inventory/schema.json, and takes out what does not fit, so that the rest can still be checked
 * and everything reported at once. Returns undefined where nothing is left.
 */
export function readShape(value: unknown, problems: Problems): DeepPartial<InventoryFile> | undefined {
  validate(value)
  const errors = withoutBranches([...(validate.errors ?? [])], value)
  let fits = true
  for (const error of errors) {
    const path = pathOf(error.instancePath, value)
    if (error.keyword === 'additionalProperties') {
      const key = String(error.params.additionalProperty)
      const known = keysAt(path)
      problems.addAtKey([...path, key], `unknown key${suggest(key, known, `known here are ${list(known)}`)}`)
      continue
    }
    problems.add(path, sentence(error, at(value, path)))
    if (path.length === 0) fits = false
    else takeOut(value, path)
  }
  return fits ? (value as DeepPartial<InventoryFile>) : undefined
}

/**
 * The patterns of the schema are there for editors: names.ts refuses the same with better messages. Where a pattern
 * refuses what names.ts accepts, the pattern still counts.
 */
export function addPatternProblems(value: unknown, problems: Problems): void {
  validate(value)
  for (const error of validate.errors ?? []) {
    if (error.keyword !== 'pattern') continue
    const path = pathOf(error.instancePath, value)
    // What {index} makes of it has been looked at, device by device.
    if (path[0] === 'groups' && String(at(value, path)).includes('{index}')) continue
    const whole = error.propertyName === undefined ? path : [...path, error.propertyName]
    if (!problems.has(whole)) problems.addAtKey(whole, `must match ${String(error.params.pattern)}`)
  }
}

function keysAt(path: Path): readonly string[] {
  const place = Object.keys(keys).find((pattern) => {
    const parts = pattern.split('/').slice(1)
    return parts.length === path.length && parts.every((part, index) => part === '*' || part === path[index])
  })
  return keys[place ?? ''] ?? []
}

/** Of a choice between shapes, only what is wrong with the one the user went for. */
function withoutBranches(errors: readonly SchemaError[], value: unknown): SchemaError[] {
  const choices = errors.filter((error) => error.keyword === 'anyOf').map((error) => error.instancePath)
  return errors.filter((error) => {
    if (error.keyword === 'pattern' || error.keyword === 'propertyNames') return false
    if (!choices.includes(error.instancePath)) return true
    const isObject = typeOf(at(value, pathOf(error.instancePath, value))) === 'an object'
    return isObject ? error.keyword !== 'type' && error.keyword !== 'anyOf' : error.keyword === 'anyOf'
  })
}

function sentence(error: SchemaError, value: unknown): string {
  const { params } = error
  if (error.keyword === 'type')
    return `must be ${wanted(params.type)}, not ${typeOf(value)}${remedy(params.type, value)}`
  if (error.keyword === 'anyOf') return `must be text such as "9022:localhost:22", or an object, not ${typeOf(value)}`
  if (error.keyword === 'required') return `"${String(params.missingProperty)}" is missing: add it`
  if (error.keyword === 'enum') return enumSentence(params.allowedValues, value)
  if (error.keyword === 'minItems') return 'must not be empty: leave the key out instead'
  if (error.keyword === 'uniqueItems') return 'holds the same entry twice: remove one'
  return typeof value === 'number'
    ? (portProblem(value) ?? 'is not allowed here')
    : `is not allowed here (${error.keyword})`
}

function enumSentence(allowed: unknown, value: unknown): string {
  const words = Array.isArray(allowed) ? allowed.map(String) : []
  const known = words.map((word) => `"${word}"`)
  if (typeof value !== 'string') return `must be ${list(known, 'or')}`
  return `${show(value)} is unknown here${suggest(value, words, `write ${list(known, 'or')}`)}`
}

const NOUNS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'a whole number',
  'integer,string': 'a whole number',
  object: 'an object',
  string: 'text',
}

function wanted(type: unknown): string {
  return NOUNS[String(type)] ?? String(type)
}

function remedy(type: unknown, value: unknown): string {
  if (type === 'array' && typeof value !== 'object') return ': put it in [ ]'
  if (type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return ': put it in double quotes'
  if (typeof value !== 'string') return ''
  const unquoted = type === 'integer' ? /^\d{1,5}$/.test(value) : type === 'boolean' && /^(true|false)$/.test(value)
  return unquoted ? `: write ${value} without quotes` : ''
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction'
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? String(value) : 'an object'
}

/** A JSON pointer, as the path of jsonc-parser: numbers where the value is a list. */
function pathOf(pointer: string, value: unknown): Path {
  const path: (string | number)[] = []
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(at(value, path)) ? Number(key) : key)
  }
  return path
}

function at(value: unknown, path: Path): unknown {
  return path.reduce((inner: unknown, key) => (isRecord(inner) ? inner[key] : undefined), value)
}

function takeOut(value: unknown, path: Path): void {
  const parent = at(value, path.slice(0, -1))
  const last = path.at(-1)
  if (isRecord(parent) && last !== undefined) parent[last] = undefined
}

function isRecord(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null
}
