import { InventoryError } from '../errors.ts'

/** One side of a copy. `host`: the name as it was written; absent: it is here. */
export interface Place {
  readonly host?: string
  readonly path: string
}

/** `NAME:PATH`, or a path here: as scp has it, what has a slash before its first colon is a path here. */
export function parsePlace(text: string): Place {
  const [, host, path] = /^([^/:]+):(.*)$/s.exec(text) ?? []
  return host === undefined || path === undefined ? { path: text } : { host, path }
}

/** What is copied where: one file to hosts, or one file from a host. */
export type Copying =
  | { readonly kind: 'to'; readonly file: string; readonly places: readonly Required<Place>[] }
  | { readonly kind: 'from'; readonly host: string; readonly path: string; readonly file: string }

/** @throws InventoryError for what is no copy between here and a host */
export function copyingOf(words: readonly string[]): Copying {
  const places = words.map(parsePlace)
  const [from, ...to] = places
  if (from === undefined || to.length === 0) throw new InventoryError('expected a file, and where it is to go', HINT)
  for (const { path } of places)
    if (/[\n\0]/.test(path))
      throw new InventoryError('a path with a line end in it cannot be copied', 'rename the file')
  if (from.host !== undefined) {
    const [only, ...more] = to
    if (from.path === '') throw new InventoryError(`${from.host}: has no path: name the file there`, HINT)
    if (only === undefined || more.length > 0 || only.host !== undefined)
      throw new InventoryError('a file from a host goes to one place on this machine', HINT)
    return { kind: 'from', host: from.host, path: from.path, file: only.path }
  }
  const there = to.flatMap(({ host, path }) => (host === undefined ? [] : [{ host, path }]))
  if (there.length < to.length) throw new InventoryError('neither side is on a host', HINT)
  return { kind: 'to', file: from.path, places: there }
}

const HINT = 'provision cp FILE NAME:PATH, or provision cp NAME:PATH FILE'
