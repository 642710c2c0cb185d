import { readFile } from 'node:fs/promises'
import { InventoryError } from '../errors.ts'
import { errorCode } from './atomic.ts'

/** What a file is to hold. */
export interface JsonFile<T> {
  /** As in `is not a plan`. */
  readonly what: string
  /** How such a file is made. */
  readonly hint: string
  /** Are all parts there that its readers rely on? */
  readonly isWhole: (value: Partial<T>) => boolean
}

/**
 * A JSON document that provision has written before.
 * @throws InventoryError when this is no such file
 */
export async function readJsonFile<T extends object>(file: string, { what, hint, isWhole }: JsonFile<T>): Promise<T> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InventoryError(`${file}: cannot be read (${errorCode(error) ?? error})`, hint)
  })
  const value = parse(text)
  if (isObject(value) && isWhole(value as Partial<T>)) return value as T
  throw new InventoryError(`${file}: is not a ${what}`, hint)
}

/** What `{…}` is in JSON: no array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
