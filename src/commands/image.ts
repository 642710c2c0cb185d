import type { CommandModule } from 'yargs'
import { inventoryArgument, workOptions } from './shared/options.ts'
import type { ImageArguments } from './shared/write-image.ts'

export const imageCommand: CommandModule<unknown, ImageArguments> = {
  command: 'image <inventory>',
  describe:
    'Write the first-boot files of a device to a freshly flashed card, after registering the card at its gateways',
  builder: (argv) =>
    workOptions(inventoryArgument(argv))
      .option('device', { type: 'string', demandOption: true, describe: 'The device that the card is for' })
      .option('boot', {
        type: 'string',
        requiresArg: true,
        describe: 'Write to the boot partition that is mounted here',
      })
      .option('image', {
        type: 'string',
        requiresArg: true,
        describe: 'Write into this uncompressed image of a whole card',
      })
      .option('output', { type: 'string', requiresArg: true, describe: 'Write only the files, into this folder' })
      .option('format', {
        choices: ['cloud-init', 'firstrun', 'rpi-preseed'] as const,
        describe: 'What the image reads at its first boot; needed only with --output',
      })
      .option('valid-hours', { type: 'number', default: 72, describe: 'Hours within which the card may be used, once' })
      .option('keep-identity', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Give the device back this private host key, or host certificate, from a backup; repeatable',
      })
      .example('provision image pi1 --boot /media/bootfs', 'the card is flashed, and its boot partition mounted')
      .epilogue('docs/fresh-image.md') as never,
  async handler(argv) {
    const { writeImage } = await import('./shared/write-image.ts')
    await writeImage(argv)
  },
}
