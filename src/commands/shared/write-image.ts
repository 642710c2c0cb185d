import { InventoryError, ProvisionError } from '../../errors.ts'
import { detect, formatOf } from '../../image/formats/detect.ts'
import type { Format } from '../../image/formats/format.ts'
import { about, type Medium } from '../../image/medium/medium.ts'
import { openCard } from '../../image/medium/open.ts'
import { wifiOf } from '../../image/seed/passphrase.ts'
import type { Seed } from '../../image/seed/seed.ts'
import { seedFile } from '../../image/seed/seed-script.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { inert } from '../../report/inert.ts'
import { named } from './named.ts'
import type { WorkArguments } from './options.ts'
import { prepareEnrolment } from './prepare-enrolment.ts'

export type ImageArguments = WorkArguments & {
  inventory: string
  device: string
  boot?: string
  image?: string
  output?: string
  format?: 'cloud-init' | 'firstrun' | 'rpi-preseed'
  validHours: number
  keepIdentity?: readonly string[]
}

/** Everything that can be wrong with the card is found before a gateway is told of it. */
export async function writeImage(argv: ImageArguments): Promise<void> {
  const inventory = await readInventory(argv.inventory)
  const device = named(argv.device, inventory.devices)
  const wifi = await wifiOf(device, process.env)
  const complete = (seed: Seed): Seed => ({ ...seed, ...(wifi && { wifi }) })
  const card = await openCard(argv)
  try {
    const { format, signs } = await about(card.what, () => formatFor(card, argv))
    await about(card.what, () => card.check(format.files(complete(longest(device.name)), card.boot)))
    const say = teller(argv.json)
    say(`${card.what}: ${format.name}${signs.length > 0 ? `, detected from ${signs.join(', ')}` : ''}\n`)
    for (const note of format.notes?.(card.boot) ?? []) say(`  ${note}\n`)
    const seed = await prepareEnrolment(
      { ...argv, limit: undefined, playbook: undefined },
      { device: device.name, hours: argv.validHours, keepIdentity: argv.keepIdentity },
    )
    if (seed === undefined) {
      process.stderr.write(
        inert(
          `provision: error: ${card.what}: nothing was written, because the card is not registered at all its gateways\n`,
        ),
      )
      // The run before has an exit code of its own.
      process.exitCode ||= 1
      return
    }
    const written = await about(card.what, () => card.write(format.files(complete(seed), card.boot))).catch(notMade)
    for (const name of written)
      say(`  written, and read back: ${name}${name === seedFile ? ', which holds secrets' : ''}\n`)
    say(`  the card may be used once, within ${argv.validHours} hours\n`)
  } finally {
    await card.close()
  }
}

/** The gateways then expect a card that does not exist. */
function notMade(error: unknown): never {
  if (!(error instanceof ProvisionError)) throw error
  const again =
    'then run the same command again: the gateways expect a card that was not written, and replace it by the next one'
  throw new ProvisionError(error.message, [error.hint, again].filter(Boolean).join('; '))
}

function formatFor(card: Medium, { output, format }: ImageArguments): { format: Format; signs: readonly string[] } {
  if (output === undefined) return detect(card.boot, format)
  if (format === undefined)
    throw new InventoryError('a folder does not show what the image reads at its first boot', 'add --format')
  return { format: formatOf(format), signs: [] }
}

/** Longer than any real one: what has room for this has room for that. */
function longest(device: string): Seed {
  return {
    device,
    mark: { inventory: '-' },
    accounts: [],
    files: [],
    program: { path: '/none', content: '#'.repeat(64 << 10) },
  }
}

/** With --json stdout is the report's alone. */
function teller(json: boolean): (text: string) => void {
  const stream = json ? process.stderr : process.stdout
  return (text) => stream.write(inert(text))
}
