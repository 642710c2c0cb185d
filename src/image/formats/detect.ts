import { ProvisionError } from '../../errors.ts'
import type { BootFiles } from '../medium/boot-files.ts'
import type { FormatName } from '../seed/seed-script.ts'
import { cloudInit } from './cloud-init.ts'
import { firstrun } from './firstrun.ts'
import type { Format } from './format.ts'
import { rpiPreseed } from './rpi-preseed.ts'

const formats = [cloudInit, firstrun, rpiPreseed]

export const formatNames: readonly FormatName[] = formats.map(({ name }) => name)

/** Without an image to look at. */
export function formatOf(name: FormatName): Format {
  const format = formats.find((candidate) => candidate.name === name)
  if (format === undefined) throw new RangeError(`no format ${name}`)
  return format
}

/** What makes a partition the one that a Pi boots from. */
export function isBoot({ names }: BootFiles): boolean {
  const all = ['cmdline.txt', 'config.txt', 'meta-data', 'user-data', 'issue.txt', 'firstrun.sh', 'rpi-preseed.toml']
  return all.some((name) => names.includes(name))
}

/**
 * The format of an image, going by its boot partition.
 * @param wanted what the user says it is: counts where nothing on it says anything, and nowhere else
 * @throws ProvisionError with what was found, where that is nothing or speaks of two
 */
export function detect(
  boot: BootFiles,
  wanted?: FormatName,
): { readonly format: Format; readonly signs: readonly string[] } {
  const found = formats.map((format) => ({ format, signs: format.signs(boot) })).filter(({ signs }) => signs.length > 0)
  const [first, ...others] = found
  const told = found.map(({ format, signs }) => `${format.name} (${signs.join(', ')})`).join(' and ')
  if (first === undefined) {
    if (wanted !== undefined && isBoot(boot)) return { format: formatOf(wanted), signs: ['--format'] }
    throw new ProvisionError(
      `the format of its first boot was not recognised: it holds ${listing(boot)}`,
      wanted !== undefined
        ? 'this is not the boot partition of a Pi'
        : isBoot(boot)
          ? 'name the format with --format, if you know it; an rpi-preseed image without customisation does not show its format'
          : 'name the format with --format, if you know it',
    )
  }
  if (others.length > 0) {
    throw new ProvisionError(
      `it is set up for two formats that exclude each other: ${told}`,
      'flash the card again without customisation; Raspberry Pi Imager before 2.0 writes files that newer systems do not read',
    )
  }
  if (wanted !== undefined && wanted !== first.format.name) {
    throw new ProvisionError(`it is set up for ${told}, not for ${wanted}`, 'leave out --format')
  }
  return first
}

function listing({ names }: BootFiles): string {
  if (names.length === 0) return 'no files'
  return names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ')
}
