import { InventoryError } from '../../errors.ts'
import { openFolder, openOutput } from './boot-partition.ts'
import { openImage } from './disk-image.ts'
import type { Medium } from './medium.ts'

/** Where a seed goes, in the words of the command line: one of them. */
export interface Target {
  readonly boot?: string | undefined
  readonly image?: string | undefined
  readonly output?: string | undefined
}

/**
 * @throws InventoryError where that is not exactly one, or cannot be used; ProvisionError where it is no card of a Pi
 */
export function openCard({ boot, image, output }: Target): Promise<Medium> {
  const [only, ...others] = [
    ...(boot === undefined ? [] : [() => openFolder(boot)]),
    ...(image === undefined ? [] : [() => openImage(image)]),
    ...(output === undefined ? [] : [() => openOutput(output)]),
  ]
  if (only !== undefined && others.length === 0) return only()
  throw new InventoryError(
    only === undefined ? 'expected a place to write the seed to' : 'the seed can be written to one place only',
    'name one of --boot FOLDER (a mounted boot partition), --image FILE.img and --output FOLDER',
  )
}
