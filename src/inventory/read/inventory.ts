import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { InventoryError } from '../../errors.ts'
import type { Forward, Inventory } from '../model.ts'
import { build } from './build.ts'
import type { Origin } from './building.ts'
import { checkTogether } from './checks.ts'
import { throughGroups } from './group-problems.ts'
import { expandGroups } from './groups.ts'
import type { Surroundings } from './paths.ts'
import { problemsOf } from './problems.ts'
import { addPatternProblems, readShape } from './shape.ts'
import { plainValue, readSyntax } from './syntax.ts'

export { isOwnSshd, printForward } from '../forward.ts'

/**
 * Reads and checks an inventory, and the .pub files that it names.
 * @throws InventoryError whose message is everything that is wrong, a line each: `file:line:column path: sentence`.
 */
export async function readInventory(file: string): Promise<Inventory> {
  const path = resolve(file)
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error)
  })
  const text = bytes.toString('utf8')
  if (!isUtf8(bytes)) {
    const problems = problemsOf(text, file, undefined)
    problems.addAt(text.indexOf('\ufffd'), [], 'is not UTF-8 text: save the file as UTF-8 in your editor')
    problems.throwIfAny()
  }
  return parseInventory(text, surroundingsOf(file))
}

/** Of an inventory that lies, or will lie, there. */
export function surroundingsOf(file: string): Surroundings {
  return { file, directory: dirname(resolve(file)), home: homedir(), readText }
}

/** As `readInventory`, of a text that is here already. */
export function parseInventory(text: string, around: Surroundings): Inventory {
  const { root, problems } = readSyntax(text, around.file)
  const shape = readShape(plainValue(root), problems)
  if (shape !== undefined) {
    if (!['gateways', 'devices', 'groups'].some((key) => key in shape)) {
      problems.add([], 'contains no machine: add "gateways" and "devices"')
    }
    const origins = new Map<Forward, Origin>()
    const { file, groups, written } = expandGroups(shape, problems)
    const told = throughGroups(problems, written)
    const inventory = { ...build(file, { around, problems: told, origins }), groups }
    addPatternProblems(plainValue(root), told)
    checkTogether(inventory, origins, told)
    told.throwIfAny()
    return inventory
  }
  problems.throwIfAny()
  throw new TypeError('an inventory of the wrong shape, and no problem found')
}

function unreadable(file: string, error: NodeJS.ErrnoException): InventoryError {
  if (error.code === 'ENOENT')
    return new InventoryError(`${file}: there is no such file`, 'name your inventory, a JSON file')
  if (error.code === 'EISDIR')
    return new InventoryError(`${file}: is a folder`, `name the file in it, such as ${file}/inventory.json`)
  if (error.code === 'EACCES') return new InventoryError(`${file}: may not be read`, 'check its permissions with ls -l')
  return new InventoryError(`${file}: cannot be read (${error.code ?? error.message})`)
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
