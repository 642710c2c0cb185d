import { ProvisionError } from '../../errors.ts'
import type { BootFile, BootFiles } from '../medium/boot-files.ts'
import type { Seed } from '../seed/seed.ts'
import type { FormatName } from '../seed/seed-script.ts'

/** One way in which an image takes what its first boot is to do. */
export interface Format {
  readonly name: FormatName
  /** What on the boot partition says that the image is of this format; nothing: it may be of another. */
  signs(boot: BootFiles): readonly string[]
  /**
   * The files that this seed becomes, with everything kept that is there already.
   * @throws ProvisionError that names what the seed and the partition disagree on, and changes nothing.
   */
  files(seed: Seed, boot: BootFiles): readonly BootFile[]
  /** What a person should know of what is there, and is no reason to refuse. */
  notes?(boot: BootFiles): readonly string[]
}

/** What is there and what the seed wants, where both cannot be. None of them holds a secret. */
export function refuseConflicts(conflicts: readonly (string | undefined)[]): void {
  const named = conflicts.filter((conflict) => conflict !== undefined)
  if (named.length === 0) return
  throw new ProvisionError(
    `its customisation contradicts the inventory: ${named.join('; ')}`,
    'flash the card without that customisation, or change the inventory',
  )
}

export function hostNameConflict(where: string, there: unknown, wanted: string): string | undefined {
  if (there === undefined || there === null || String(there).split('.', 1)[0] === wanted) return undefined
  return `${where} sets the host name ${JSON.stringify(there)}, the inventory ${JSON.stringify(wanted)}`
}

export function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}
