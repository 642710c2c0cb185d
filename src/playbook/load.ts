import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InventoryError } from '../errors.ts'
import type { Playbook } from './playbook.ts'

/** The recipe that is followed where nobody names another one. The build puts it beside this program. */
export async function defaultPlaybook(): Promise<Playbook> {
  const built: { default: Playbook } = await import(new URL('./reverse-tunnel.js', import.meta.url).href)
  return built.default
}

/**
 * A user's own playbook, TypeScript or JavaScript on every Node: `import { playbook, on } from 'provision'`.
 * @throws InventoryError when the file is missing, does not load, or exports no playbook
 */
export async function loadPlaybook(file: string): Promise<Playbook> {
  const path = resolve(file)
  const { createJiti } = await import('jiti')
  const own = fileURLToPath(new URL('./index.js', import.meta.url))
  let loaded: unknown
  try {
    loaded = await createJiti(import.meta.url, { alias: { provision: own }, fsCache: false }).import(path, {
      default: true,
    })
  } catch (error) {
    throw new InventoryError(`${file}: ${error instanceof Error ? error.message : error}`, 'see docs/playbooks.md')
  }
  if (typeof loaded !== 'function') {
    throw new InventoryError(
      `${file}: its default export is not a playbook`,
      'write `export default playbook((inventory) => […])`',
    )
  }
  return loaded as Playbook
}
