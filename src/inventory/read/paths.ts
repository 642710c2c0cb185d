import { join, resolve } from 'node:path'
import { isPrivateKey } from '../messages.ts'
import { pathProblem } from '../names.ts'
import type { Path, Problems } from './problems.ts'

/** What the inventory stands in: its own name and folder, the user's home, and the files it may name. */
export interface Surroundings {
  readonly file: string
  readonly directory: string
  readonly home: string
  /** undefined: there is no such file, or it cannot be read. */
  readonly readText: (path: string) => string | undefined
}

export function absolute(path: string, { directory, home }: Pick<Surroundings, 'directory' | 'home'>): string {
  return path.startsWith('~/') ? join(home, path.slice(2)) : resolve(directory, path)
}

export function checkPath(path: string, where: Path, problems: Problems): boolean {
  const problem = isPrivateKey(path)
    ? 'is a private key: keep it in a file, and write the path of that file'
    : pathProblem(path)
  if (problem !== undefined) problems.add(where, problem)
  return problem === undefined
}
