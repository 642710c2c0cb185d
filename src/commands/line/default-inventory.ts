import { statSync } from 'node:fs'
import { InventoryError } from '../../errors.ts'

/** The inventory of a command that names none. */
export const usualInventory = 'inventory.json'

const variable = 'PROVISION_INVENTORY'

/** @throws InventoryError where $PROVISION_INVENTORY names a file that is not there */
export function foundInventory(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (isFile(usualInventory)) return usualInventory
  const named = env[variable]
  if (!named || isFile(named)) return named || undefined
  throw new InventoryError(`${variable} is ${named}: there is no such file`, 'name your inventory, a JSON file')
}

/** @throws InventoryError where there is none */
export function defaultInventory(env: Readonly<Record<string, string | undefined>>): string {
  const found = foundInventory(env)
  if (found !== undefined) return found
  throw new InventoryError(
    `expected an inventory file: there is no ${usualInventory} here, and ${variable} is not set`,
    'name your inventory, or write a first one with `provision init`',
  )
}

/** Is this file the one of a command that names none? */
export function isDefaultInventory(file: string, env: Readonly<Record<string, string | undefined>>): boolean {
  return file === (isFile(usualInventory) ? usualInventory : env[variable])
}

/** For `provision` alone, where there is nothing to work on. */
export function firstSteps(): InventoryError {
  return new InventoryError(
    `there is no ${usualInventory} here, and ${variable} is not set`,
    `make a first inventory, look, then go:
  provision init     # asks a few questions and writes ${usualInventory}; contacts no host
  provision plan     # shows what would change; changes nothing
  provision apply    # does it, and proves every tunnel
all commands: provision help`,
  )
}

export function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory()
  } catch {
    return false
  }
}
