import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The paths that an absolute pattern names, as glob(3) finds and sorts them for `Include`. */
export async function glob(pattern: string): Promise<string[]> {
  let found = ['/']
  for (const part of pattern.split('/').filter(Boolean)) {
    const next = await Promise.all(found.map((folder) => matching(folder, part)))
    found = next.flat()
  }
  return found.sort()
}

async function matching(folder: string, part: string): Promise<string[]> {
  if (!/[*?[]/.test(part)) {
    const path = join(folder, part.replaceAll(/\\(.)/g, '$1'))
    return access(path).then(
      () => [path],
      () => [],
    )
  }
  const names = await readdir(folder).catch(() => [])
  const pattern = patternOf(part)
  return names.filter((name) => pattern.test(name)).map((name) => join(folder, name))
}

/** A dot in front has to be written out. */
function patternOf(part: string): RegExp {
  const source = part.replaceAll(/\\(.)|\[([!^]?)([^\]]+)\]|[*?]|[.+^${}()|[\]\\]/g, (found, escaped, not, set) => {
    if (escaped !== undefined) return escaped.replace(/\W/, '\\$&')
    if (set !== undefined) return `[${not ? '^' : ''}${set.replaceAll(/[\\\]^]/g, '\\$&')}]`
    return { '*': '[^/]*', '?': '[^/]' }[found as string] ?? `\\${found}`
  })
  return new RegExp(`^${part.startsWith('.') ? '' : '(?!\\.)'}${source}$`)
}
