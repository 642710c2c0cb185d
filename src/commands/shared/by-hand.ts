import { ConnectError, InventoryError, RemoteError } from '../../errors.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { hostTrouble } from '../../report/terminal/exec.ts'
import { defaultInventory } from '../line/default-inventory.ts'

/** What the commands share that people use on hosts by hand. */
export interface ByHandArguments {
  readonly inventory?: string | undefined
}

export const chosenInventory = ({ inventory }: ByHandArguments) =>
  readInventory(inventory ?? defaultInventory(process.env))

/**
 * The words after `--`, as they are. `command`: words that stand before it.
 * @throws InventoryError for these
 */
export function commandWords(
  { '--': words = [], command = [] }: { readonly '--'?: readonly string[]; readonly command?: readonly string[] },
  before: string,
): readonly string[] {
  if (command.length === 0) return words.map(String)
  throw new InventoryError(
    `${command.join(' ')}: a command stands after --`,
    `${before} -- ${[...command, ...words].join(' ')}`,
  )
}

/** A whole number of hosts at once. @throws InventoryError */
export function forksOf({ forks }: { readonly forks: number }): number {
  if (Number.isInteger(forks) && forks >= 1) return forks
  throw new InventoryError('--forks takes a whole number, from 1')
}

/** Work on one host: what goes wrong there is told with its name, and is the exit code. */
export async function telling(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof ConnectError || error instanceof RemoteError)) throw error
    process.stderr.write(hostTrouble(name, error))
    process.exitCode = error instanceof ConnectError ? 3 : 1
  }
}
