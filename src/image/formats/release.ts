import { ProvisionError } from '../../errors.ts'
import type { BootFiles } from '../medium/boot-files.ts'

/** The first image with /boot/firmware. */
const bookworm = '2023-10-10'
/** Of these days there may be both: bookworm, and Raspberry Pi OS (Legacy), which still was bullseye. */
const both = ['2023-10-10', '2023-12-05', '2023-12-06', '2024-03-12', '2024-03-13', '2024-03-15', '2024-07-04']
const later = ['2024-10-22', '2024-10-28', '2025-05-06', '2025-05-07']
/** Kernels for every Pi come with an initramfs since bookworm, and those for a Pi 5 are on no bullseye. */
const since = /^(initramfs|kernel_2712|bcm2712)/
const kernel = /^(kernel.*\.img|bcm27\d\d.*\.dtb)$/

/** issue.txt says which image it is: `Raspberry Pi reference 2025-05-13`. */
export function dateOf(boot: BootFiles): string | undefined {
  return /Raspberry Pi reference (\d{4}-\d\d-\d\d)/.exec(boot.text('issue.txt') ?? '')?.[1]
}

/**
 * Only bookworm and later mount the FAT partition at /boot/firmware, which is where the kernel's command line looks for
 * the seed.
 * @throws ProvisionError for bullseye and older, and where it may as well be bullseye
 */
export function refuseOlder(boot: BootFiles): void {
  const date = dateOf(boot)
  const told = date === undefined ? '' : ` (its issue.txt is dated ${date})`
  if (date !== undefined && date < bookworm)
    throw old(`its issue.txt is dated ${date}, so it is older than Raspberry Pi OS bookworm`)
  if (boot.names.some((name) => since.test(name))) return
  const kernels = boot.names.filter((name) => kernel.test(name))
  if (kernels.length > 0)
    throw old(
      `its kernels (${kernels.slice(0, 3).join(', ')}) have no initramfs beside them, so it is older than bookworm${told}`,
    )
  if (date !== undefined && [...both, ...later].includes(date))
    throw old(`its issue.txt is dated ${date}, as is that of Raspberry Pi OS (Legacy) bullseye`)
}

const old = (found: string) =>
  new ProvisionError(
    `${found}; bullseye mounts its FAT partition at /boot, but the seed is started from /boot/firmware/provision-start.sh`,
    'flash a newer Raspberry Pi OS',
  )
