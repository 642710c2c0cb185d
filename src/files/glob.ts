/**
 * A pattern with `*` and `?` as a regular expression for a whole text; nothing else in it has a meaning.
 * `within`: what a wildcard may stand for, as a character class; default: any character.
 */
export function globToRegExp(
  pattern: string,
  { within = '.', ignoreCase = false }: { readonly within?: string; readonly ignoreCase?: boolean } = {},
): RegExp {
  const source = pattern
    .replaceAll(/[\\^$.+()|{}[\]]/g, '\\$&')
    .replaceAll('*', `${within}*`)
    .replaceAll('?', within)
  return new RegExp(`^${source}$`, ignoreCase ? 'i' : '')
}
