import { isAbsolute, relative, resolve } from 'node:path'

/** A file as GitHub names it, from the checkout on; one that lies elsewhere as it was named. */
export function fromWorkspace(file: string, env: Readonly<Record<string, string | undefined>>): string {
  const inside = env.GITHUB_WORKSPACE ? relative(env.GITHUB_WORKSPACE, resolve(file)) : '..'
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? file : inside
}
