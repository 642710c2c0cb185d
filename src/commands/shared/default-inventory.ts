import { existsSync } from 'node:fs'
import { InventoryError } from '../../errors.ts'

const usual = 'inventory.json'

/** The inventory of who names none: `inventory.json` here, else that of PROVISION_INVENTORY. @throws InventoryError */
export function defaultInventory(env: Readonly<Record<string, string | undefined>>): string {
  if (existsSync(usual)) return usual
  if (env.PROVISION_INVENTORY) return env.PROVISION_INVENTORY
  throw new InventoryError(`there is no ${usual} here`, 'name yours with --inventory FILE, or set PROVISION_INVENTORY')
}
