import type { SecretPlace } from '../model.ts'
import type { Building } from './building.ts'
import { absolute, checkPath } from './paths.ts'
import type { Path } from './problems.ts'

/**
 * Where a secret is kept. undefined: the text is wrong; it is never repeated, for it may be the secret itself.
 * `what`: as in `the passphrase`.
 */
export function keptAt(
  text: string,
  what: string,
  path: Path,
  { problems, around }: Building,
): SecretPlace | undefined {
  const [, kind, name = ''] = /^(env|file):(.+)$/.exec(text) ?? []
  if (kind === 'env' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return { env: name }
  if (kind === 'file') return checkPath(name, path, problems) ? { file: absolute(name, around) } : undefined
  problems.add(
    path,
    kind === 'env'
      ? 'is not the name of an environment variable: use letters, digits and "_"'
      : `must not be in the inventory itself: write where ${what} is kept, "env:NAME" or "file:PATH"`,
  )
  return undefined
}
