import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InventoryError } from '../../errors.ts'
import { errorCode } from '../../files/atomic.ts'

/**
 * A new inventory, and the schema that it names beside it. What is there already stays as it is.
 * @returns what became of each, a line for people
 * @throws InventoryError where the inventory is there, or cannot be written
 */
export async function createInventory(file: string, text: string): Promise<string[]> {
  if (!(await isNew(file, text))) throw new InventoryError(`${file} already exists`, 'nothing was written')
  const schema = join(dirname(file), 'schema.json')
  const own = await readFile(new URL('./schema.json', import.meta.url), 'utf8')
  if (await isNew(schema, own)) return [`${file}  written`, `${schema}  written`]
  const same = (await readFile(schema, 'utf8')) === own
  const other = 'already exists and differs; `provision schema` prints the schema of inventories'
  return [`${file}  written`, `${schema}  ${same ? 'unchanged' : other}`]
}

async function isNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw new InventoryError(`${file} cannot be written (${errorCode(error)})`, 'name a file in a folder of yours')
  }
}
