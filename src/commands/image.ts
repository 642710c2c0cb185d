import type { CommandModule } from 'yargs'
import { inventoryArgument, workOptions } from './shared/options.ts'
import type { ImageArguments } from './shared/write-image.ts'

export const imageCommand: CommandModule<unknown, ImageArguments> = {
  command: 'image <inventory>',
  describe: 'Write the first-boot seed of a device to a freshly flashed card, after telling its gateways',
  builder: (argv) =>
    workOptions(inventoryArgument(argv))
      .option('device', { type: 'string', demandOption: true, describe: 'The device that the card is for' })
      .option('boot', { type: 'string', requiresArg: true, describe: 'To the boot partition that is mounted here' })
      .option('image', { type: 'string', requiresArg: true, describe: 'Into this image of a whole card, unpacked' })
      .option('output', { type: 'string', requiresArg: true, describe: 'Only the files, into this folder' })
      .option('format', {
        choices: ['cloud-init', 'firstrun', 'rpi-preseed'] as const,
        describe: 'What the image reads at its first boot; needed with --output alone',
      })
      .option('valid-hours', { type: 'number', default: 72, describe: 'For how long the card may be used, once' })
      .option('keep-identity', {
        type: 'string',
        array: true,
        nargs: 1,
        describe:
          'A private host key of the device from a backup, or the host certificate of one, which it is to have again; repeatable',
      }) as never,
  async handler(argv) {
    const { writeImage } = await import('./shared/write-image.ts')
    await writeImage(argv)
  },
}
