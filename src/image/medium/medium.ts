import { InventoryError, ProvisionError } from '../../errors.ts'
import type { BootFile, BootFiles } from './boot-files.ts'

/** What a seed is written to: a mounted boot partition, an image of a card, or an empty folder. */
export interface Medium {
  /** As messages name it. */
  readonly what: string
  readonly boot: BootFiles
  /** @throws ProvisionError where these files could not be written */
  check(files: readonly BootFile[]): Promise<void>
  /**
   * Writes these files, all of them or none, waits for the disk, and reads them back.
   * @returns the names of those that were not so already
   * @throws ProvisionError; then the card is as it was, or the message says that it is not
   */
  write(files: readonly BootFile[]): Promise<readonly string[]>
  close(): Promise<void>
}

/** What goes wrong in there is told as being about this. */
export async function about<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ProvisionError) || error instanceof InventoryError) throw error
    throw new ProvisionError(`${what}: ${error.message}`, error.hint)
  }
}
