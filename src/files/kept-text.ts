import { readFile } from 'node:fs/promises'

/**
 * What is kept in an environment variable, or in the first line of a file. undefined: it is not set, or empty.
 * Throws what Node throws for a file that cannot be read.
 */
export async function keptText(
  place: { readonly env: string } | { readonly file: string },
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const text = 'env' in place ? env[place.env] : (await readFile(place.file, 'utf8')).split(/\r?\n/, 1)[0]
  return text || undefined
}
