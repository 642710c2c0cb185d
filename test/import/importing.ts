import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InventoryError } from '../../src/errors.ts'
import { type Choices, inventoryOf } from '../../src/import/inventory-of.ts'
import { printInventory } from '../../src/import/print.ts'
import { readFound } from '../../src/import/read.ts'
import { parse } from '../inventory/parse.ts'

/** Imports files that it writes into a folder. In what is told of them the folder is called FOLDER. */
export function importing(folder: string) {
  async function imported(name: string, text: string, choices: Partial<Choices> = {}) {
    const file = join(folder, name)
    writeFileSync(file, text)
    const found = await readFound(file, { env: process.env, say: () => {} })
    const { file: made, left, told } = inventoryOf(found, { gateways: [], ...choices })
    const printed = printInventory(made, 'Made.')
    parse(printed)
    return { printed, told, left: left.join('\n').replaceAll(folder, 'FOLDER') }
  }
  const refusal = async (name: string, text: string, choices: Partial<Choices> = {}) => {
    const error = await imported(name, text, choices).catch((found: unknown) => found)
    if (!(error instanceof InventoryError)) return 'no complaint'
    return `${error.message}; ${error.hint}`.replaceAll(folder, 'FOLDER')
  }
  return { imported, refusal }
}
