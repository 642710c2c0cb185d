import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InventoryError } from '../errors.ts'
import { cardBase } from './base.ts'
import cardText from './card.sh'
import raspberryText from './card-raspberry.sh'
import { local } from './local.ts'
import { markedLines, readHosts } from './names.ts'
import type { LabPlan, MachinePlan } from './plan.ts'
import { bootOf, mountRoot, rootOf } from './root.ts'

export interface LabCard {
  /** The folder whose files its boot partition gets. */
  readonly seed: string
  /** Told what takes long, for a person. */
  readonly progress?: (message: string) => void
}

/** What the seed on a card says of its image. */
const signs = {
  // Raspberry Pi's prototype of July 2026, imitated with the Python that cloud-init brings: its three units with their
  // order and conditions, hostname and ssh, its user, its Wi-Fi, early commands once with their five seconds, late
  // ones with retries, passwords blanked. Its other settings do nothing here.
  'rpi-preseed': 'rpi-preseed.toml',
  // Bookworm and the first trixie: systemd runs the script that the kernel's command line names.
  firstrun: 'provision-start.sh',
  // Raspberry Pi OS since November 2025: Debian's own cloud-init, with the settings that the image ships.
  'cloud-init': 'user-data',
} as const
const formats = Object.keys(signs) as (keyof typeof signs)[]

/** ROOT FORMAT: makes a Debian tree the root file system of a freshly flashed card. */
export const cardProgram = `${raspberryText}\n${cardText}`

const flashed = {
  'cmdline.txt': 'console=tty1 root=PARTUUID=00000000-02 rootfstype=ext4 fsck.repair=yes rootwait\n',
  'config.txt': '# Raspberry Pi\n',
}

/**
 * A machine's disk as a card that was flashed just now and got the files of this folder on its boot partition: sshd
 * off, no host keys, `pi` without a password or shell, Wi-Fi off, the user dialogue waiting, the name raspberrypi, no
 * machine id yet, a journal in memory. The boot partition is a mount of
 * its own at /boot/firmware, by a unit that systemd makes of fstab; no FAT, which a machine without a kernel of its own
 * may not have.
 * @returns what writes it, when the machine is off
 * @throws InventoryError where the folder holds no seed, or that of an image that the machine's release cannot be
 */
export async function cardWriter(
  plan: LabPlan,
  machine: MachinePlan,
  { seed, progress }: LabCard,
): Promise<() => Promise<void>> {
  const names = await readdir(seed).catch(() => {
    throw new InventoryError(`lab: ${seed} is not a folder`, 'give the folder that `provision image … --output` wrote')
  })
  const format = formats.find((it) => names.includes(signs[it]))
  if (format === undefined)
    throw new InventoryError(`lab: there is no seed in ${seed}`, 'write one there: provision image … --output')
  const { suite, name } = machine
  if (suite === 'bullseye' || (format !== 'firstrun' && suite !== 'trixie'))
    throw new InventoryError(
      `lab: ${name} runs ${suite}, but a seed for ${format} needs ${suite === 'bullseye' && format === 'firstrun' ? 'bookworm or trixie' : 'trixie'}`,
      `start the lab with --suite ${name}=trixie${suite === 'bullseye' ? '' : ', or make a seed with --format firstrun'}`,
    )
  const tree = await cardBase(suite, { progress })
  return async () => {
    await mountRoot(machine, tree)
    const boot = bootOf(machine)
    await mkdir(boot)
    for (const [name, text] of Object.entries(flashed)) await writeFile(join(boot, name), text)
    await cp(seed, boot, { recursive: true })
    // FAT knows no modes.
    await local(['chmod', '-R', '755', boot])
    const input = markedLines(await readHosts(plan)).join('\n')
    await local(['sh', '-c', cardProgram, 'sh', rootOf(machine), format], { input })
  }
}
