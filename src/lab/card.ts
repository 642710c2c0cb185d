import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InventoryError } from '../errors.ts'
import { base, cloudInitBase } from './base.ts'
import cardText from './card.sh'
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

/** What the seed on a card says of its image, and what stands in for that image here. */
const images = {
  // Raspberry Pi OS since November 2025: Debian's own cloud-init, with the settings that the image ships.
  'cloud-init': { sign: 'user-data', root: (_, progress) => cloudInitBase({ progress }) },
  // Bookworm and the first trixie: systemd runs the script that the kernel's command line names.
  firstrun: { sign: 'provision-start.sh', root: ({ suite }, progress) => base(suite, { progress }) },
  // Raspberry Pi's prototype of July 2026, imitated with the Python that cloud-init brings: its three units with their
  // order and conditions, hostname and ssh, early commands once with their five seconds, late ones with retries,
  // passwords blanked. Its other settings do nothing here.
  'rpi-preseed': { sign: 'rpi-preseed.toml', root: (_, progress) => cloudInitBase({ progress }) },
} satisfies Record<
  string,
  { readonly sign: string; readonly root: (machine: MachinePlan, progress: LabCard['progress']) => Promise<string> }
>

const flashed = {
  'cmdline.txt': 'console=tty1 root=PARTUUID=00000000-02 rootfstype=ext4 fsck.repair=yes rootwait\n',
  'config.txt': '# Raspberry Pi\n',
}

/**
 * A machine's disk as a card that was flashed just now and got the files of this folder on its boot partition: sshd
 * off, no host keys, `pi` without a password, the name raspberrypi, no machine id yet. The boot partition is a mount of
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
  const format = (['rpi-preseed', 'firstrun', 'cloud-init'] as const).find((it) => names.includes(images[it].sign))
  if (format === undefined)
    throw new InventoryError(`lab: there is no seed in ${seed}`, 'write one there: provision image … --output')
  if (format !== 'firstrun' && machine.suite !== 'trixie')
    throw new InventoryError(
      `lab: ${machine.name} runs ${machine.suite}, but a seed for ${format} needs trixie`,
      `start the lab with --suite ${machine.name}=trixie, or make a seed with --format firstrun`,
    )
  const tree = await images[format].root(machine, progress)
  return async () => {
    await mountRoot(machine, tree)
    const boot = bootOf(machine)
    await mkdir(boot)
    for (const [name, text] of Object.entries(flashed)) await writeFile(join(boot, name), text)
    await cp(seed, boot, { recursive: true })
    // FAT knows no modes.
    await local(['chmod', '-R', '755', boot])
    const input = markedLines(await readHosts(plan)).join('\n')
    await local(['sh', '-c', cardText, 'sh', rootOf(machine), format], { input })
  }
}
