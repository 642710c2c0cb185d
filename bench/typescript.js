// A module of the tests, for a bench: TypeScript, and shell scripts as text, as in what is built.
import { register } from 'node:module'
import { join } from 'node:path'
import { createJiti } from 'jiti'
import { root } from './kit.js'

const hook = `import { readFile } from 'node:fs/promises'
export async function load(url, context, next) {
  if (!/\\.(sh|bash|zsh|fish)$/.test(url)) return next(url, context)
  const text = JSON.stringify(await readFile(new URL(url), 'utf8'))
  return { format: 'module', shortCircuit: true, source: 'export default ' + text }
}`
register(`data:text/javascript,${encodeURIComponent(hook)}`)

export const load = (file) => createJiti(import.meta.url).import(join(root, file))
